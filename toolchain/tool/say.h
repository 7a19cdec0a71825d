/* SPDX-License-Identifier: MIT */
/* Messages in the form of the compiler's, under the name this program was called by. */
#ifndef XSC_SAY_H
#define XSC_SAY_H

#include <stdnoreturn.h>

extern const char *own_name;

void say(const char *kind, const char *pattern, ...) __attribute__((format(printf, 2, 3)));

noreturn void die(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

#endif
