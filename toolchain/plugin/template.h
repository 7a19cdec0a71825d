/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trap instructions in the text of an asm statement. Knows nothing of the compiler. */
#ifndef XSC_TEMPLATE_H
#define XSC_TEMPLATE_H

#include <cstddef>

struct template_trap {
	size_t start;		/* of the statement in the text */
	size_t end;
	const char *opcode;
};

/* Whether operand `name` of the asm statement is the constant 0x80; `data` is the caller's. */
typedef bool (*is_int80_operand)(const char *operand, void *data);

class template_reader
{
public:
	template_reader(const char *text, bool has_operands, is_int80_operand ask, void *data);

	/* Find the next trap. Returns false at the end of the text. */
	bool next(template_trap &found);

private:
	bool ends_statement(char c) const;
	size_t skip_comment(size_t at) const;
	size_t statement_end(size_t at) const;
	const char *opcode(size_t start, size_t end);
	const char *bytes(size_t start, size_t end, size_t value_size);

	const char *text;
	bool has_operands;
	is_int80_operand ask;
	void *data;
	size_t at;
	/* The last byte that directives like .byte have laid down, and where its statement began. */
	int last_byte;
	size_t last_start;
	/* Inside the definition of a macro: only its use makes code, and the assembler's matter. */
	bool in_macro;
};

#endif
