// SPDX-License-Identifier: MIT
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *own_name = "xsc-toolchain";

static void vsay(const char *kind, const char *pattern, va_list values)
{
	fprintf(stderr, "%s: %s: ", own_name, kind);
	vfprintf(stderr, pattern, values);
	fputc('\n', stderr);
}

void say(const char *kind, const char *pattern, ...)
{
	va_list values;

	va_start(values, pattern);
	vsay(kind, pattern, values);
	va_end(values);
}

void die(const char *pattern, ...)
{
	va_list values;

	va_start(values, pattern);
	vsay("fatal error", pattern, values);
	va_end(values);
	exit(1);
}
