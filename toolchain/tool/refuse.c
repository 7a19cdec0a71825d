// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "refuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "place.h"
#include "rules.h"
#include "say.h"

size_t refuse_count(const char *file, struct scan *found, const struct words *lists)
{
	const char *named = getenv("XSC_TRAP_LISTS");
	struct rules rules = { 0 };
	char *paths, *path;

	if (found->count == 0)
		return 0;
	rules_read(&rules, place_of("traps.allow"));
	paths = format("%s", named ? named : "");
	while ((path = strsep(&paths, ":")) != NULL)
		if (*path)
			rules_read(&rules, path);
	for (size_t i = 0; i < lists->count; i++)
		rules_read(&rules, lists->items[i]);
	return rules_apply(&rules, file, found);
}

const char *refuse_kind(void)
{
	const char *policy = getenv("XSC_TRAPS");

	if (policy == NULL || strcmp(policy, "refuse") == 0)
		return "error";
	if (strcmp(policy, "warn") == 0)
		return "warning";
	die("XSC_TRAPS is `%s`; it may be `refuse` or `warn`", policy);
}

void refuse_hint(void)
{
	fprintf(stderr,
		"%s: note: XSC programs enter the kernel through the C library: call its functions, or "
		"syscall(2)\n", own_name);
}
