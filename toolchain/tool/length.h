/* SPDX-License-Identifier: MIT */
/* Where x86-64 instructions begin and end, and which of them enter the kernel by a trap. */
#ifndef XSC_LENGTH_H
#define XSC_LENGTH_H

#include <stddef.h>

#define INSN_MAX 15

/* What an instruction is, as far as anybody here asks. */
enum insn_kind {
	INSN_PLAIN,
	INSN_SYSCALL,
	INSN_SYSENTER,
	INSN_INT80,
};

struct insn {
	size_t length;
	enum insn_kind kind;
};

/*
 * Decode the instruction at `code`, of which `size` bytes may be read.
 * Returns its length and kind; length 0 for bytes that are no instruction or end too early.
 */
struct insn insn_decode(const unsigned char *code, size_t size);

/* The name of a trap instruction, as assemblers spell it. */
const char *insn_name(enum insn_kind kind);

#endif
