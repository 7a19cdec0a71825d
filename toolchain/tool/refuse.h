/* SPDX-License-Identifier: MIT */
/* What happens with a trap that was found. */
#ifndef XSC_REFUSE_H
#define XSC_REFUSE_H

#include "child.h"
#include "scan.h"

/* Every message about a trap ends with this, so that logs can be searched. */
#define TRAP_TAG "[xsc-trap]"

/*
 * Give reasons to what the lists of the toolchain, of the environment (XSC_TRAP_LISTS, paths with
 * colons between them) and of `lists` cover; return how many traps of `file` are left.
 */
size_t refuse_count(const char *file, struct scan *found, const struct words *lists);

/* "error", or "warning" where the environment says XSC_TRAPS=warn. */
const char *refuse_kind(void);

/* Say what to do about a trap. */
void refuse_hint(void);

#endif
