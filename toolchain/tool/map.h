/* SPDX-License-Identifier: MIT */
/* The map a linker writes: which file a piece of the output came from. */
#ifndef XSC_MAP_H
#define XSC_MAP_H

#include <stdint.h>

/* The name of the input file that address `address` of the output is from; NULL if unknown. */
char *map_origin(const char *path, uint64_t address);

#endif
