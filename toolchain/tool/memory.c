// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "say.h"

void *grow(void *items, size_t count, size_t item_size)
{
	/* Doubled each time it is full: at powers of two. */
	if (count & (count - 1))
		return items;
	items = reallocarray(items, count ? 2 * count : 1, item_size);
	if (items == NULL)
		die("out of memory");
	return items;
}

char *format(const char *pattern, ...)
{
	va_list values;
	char *text;

	va_start(values, pattern);
	if (vasprintf(&text, pattern, values) < 0)
		die("out of memory");
	va_end(values);
	return text;
}
