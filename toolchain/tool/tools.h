/* SPDX-License-Identifier: MIT */
/* One function for each kind of tool this program is called as. */
#ifndef XSC_TOOLS_H
#define XSC_TOOLS_H

#include <stdbool.h>

/* `own_tree`: compile against the tree beside the toolchain instead of against the system. */
int compile(const char *tool, bool own_tree, int argc, char **argv);
int assemble(const char *tool, int argc, char **argv);
int link_files(const char *tool, bool own_tree, int argc, char **argv);
int scan_files(int argc, char **argv);

#endif
