/* SPDX-License-Identifier: MIT */
/* Memory that is there, or the end of the program. */
#ifndef XSC_MEMORY_H
#define XSC_MEMORY_H

#include <stddef.h>

/* Make room for one more item than the `count` there are. */
void *grow(void *items, size_t count, size_t item_size);

char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

#endif
