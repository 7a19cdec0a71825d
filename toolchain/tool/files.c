// SPDX-License-Identifier: MIT
/* The search by itself: x86_64-xsc-linux-gnu-trapscan FILE... */
#include "tools.h"

#include <stdio.h>

#include "refuse.h"
#include "say.h"

int scan_files(int argc, char **argv)
{
	const struct words none = { 0 };
	int status = 0;

	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: %s FILE...\n", own_name);
		return 64;
	}
	for (int i = 1; i < argc; i++) {
		struct scan found;

		if (!scan_file(argv[i], &found)) {
			status = 1;
			continue;
		}
		if (refuse_count(argv[i], &found, &none) != 0)
			status = 1;
		for (size_t j = 0; j < found.count; j++) {
			const struct trap *trap = &found.traps[j];

			printf("%s: `%s` at %s+%#lx in %s%s%s\n", argv[i], trap->opcode,
			       *trap->symbol ? trap->symbol : "no symbol", trap->offset,
			       trap->section, trap->reason ? ", allowed: " : " " TRAP_TAG,
			       trap->reason ? trap->reason : "");
		}
		scan_free(&found);
	}
	return status;
}
