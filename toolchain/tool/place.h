/* SPDX-License-Identifier: MIT */
/* Where the parts of the toolchain are: beside this program, wherever it has been put. */
#ifndef XSC_PLACE_H
#define XSC_PLACE_H

/* The path of a file of the toolchain, such as "xsc.specs". */
char *place_of(const char *name);

/* The tree with the C library to compile against; NULL if that is the system itself. */
char *place_sysroot(void);

/* The path of Debian's own tool of that name. */
char *place_debian(const char *tool);

#endif
