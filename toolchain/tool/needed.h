/* SPDX-License-Identifier: MIT */
/* The shared libraries that a linked file needs. */
#ifndef XSC_NEEDED_H
#define XSC_NEEDED_H

#include "options.h"

/*
 * Warn of traps in each shared library that the output needs. They are not in the output, and
 * another file may have the library's name where the program runs: nothing is refused for them.
 */
void needed_check(const struct options *options);

#endif
