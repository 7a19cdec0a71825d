// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads assembler text as far as it takes to recognise a trap: statements, comments, labels,
 * prefixes, and bytes written as numbers. What macros of the assembler expand to is not known
 * here; the assembler's output is searched as well.
 */
#include "template.h"

#include <cctype>
#include <cstdlib>
#include <cstring>

static const char *const prefixes[] = {
	"rep", "repe", "repz", "repne", "repnz", "lock", "data16", "addr32", "rex", "rex64",
	"rex.w", "notrack", "bnd", "cs", "ds", "es", "fs", "gs", "ss",
};

static bool in_word(char c)
{
	return isalnum(static_cast<unsigned char>(c)) || strchr("_.$%=@[]", c) != nullptr;
}

static bool same_word(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(text, word, length) == 0;
}

static bool is_prefix(const char *text, size_t length)
{
	for (const char *prefix : prefixes)
		if (same_word(text, length, prefix))
			return true;
	return false;
}

template_reader::template_reader(const char *text_, bool has_operands_, is_int80_operand ask_,
				 void *data_)
	: text(text_), has_operands(has_operands_), ask(ask_), data(data_), at(0), last_byte(-1),
	  last_start(0), in_macro(false)
{
}

/* With operands, braces and bars hold the variants for other dialects of the assembler. */
bool template_reader::ends_statement(char c) const
{
	return c == '\n' || c == ';' || (has_operands && strchr("{|}", c) != nullptr);
}

/* The end of the comment at `from`; `from` if there is none. */
size_t template_reader::skip_comment(size_t from) const
{
	if (text[from] == '#')
		return from + strcspn(text + from, "\n");
	if (text[from] == '/' && text[from + 1] == '*') {
		const char *end = strstr(text + from + 2, "*/");

		return end ? end + 2 - text : from + strlen(text + from);
	}
	return from;
}

size_t template_reader::statement_end(size_t from) const
{
	while (text[from] && !ends_statement(text[from])) {
		if (text[from] == '#' || (text[from] == '/' && text[from + 1] == '*'))
			break;
		if (has_operands && text[from] == '%' && text[from + 1])
			from++;
		from++;
	}
	return from;
}

/* Search numbers for the two bytes of a trap that may have begun in the statement before. */
const char *template_reader::bytes(size_t start, size_t end, size_t value_size)
{
	const char *number = text + start;

	while (number < text + end) {
		char *rest;
		unsigned long long value = strtoull(number, &rest, 0);

		if (rest == number) {
			number++;
			continue;
		}
		for (size_t i = 0; i < value_size; i++, value >>= 8) {
			int byte = value & 0xff, before = last_byte;

			last_byte = byte;
			if (before == 0x0f && byte == 0x05)
				return "syscall";
			if (before == 0x0f && byte == 0x34)
				return "sysenter";
			if (before == 0xcd && byte == 0x80)
				return "int 0x80";
		}
		number = rest;
	}
	return nullptr;
}

/* Name the trap that the statement from `start` to `end` is; NULL if it is none. */
const char *template_reader::opcode(size_t start, size_t end)
{
	for (;;) {
		size_t word = start;

		while (start < end && isspace(static_cast<unsigned char>(text[start])))
			start++;
		for (word = start; word < end && in_word(text[word]);)
			word++;
		size_t length = word - start;

		if (word < end && text[word] == ':') {
			start = word + 1;
			continue;
		}
		if (length && is_prefix(text + start, length)) {
			start = word;
			continue;
		}
		if (same_word(text + start, length, ".macro"))
			in_macro = true;
		else if (same_word(text + start, length, ".endm"))
			in_macro = false;
		if (in_macro)
			return nullptr;
		if (same_word(text + start, length, ".byte"))
			return bytes(word, end, 1);
		if (same_word(text + start, length, ".word") ||
		    same_word(text + start, length, ".short") ||
		    same_word(text + start, length, ".2byte"))
			return bytes(word, end, 2);
		if (length)
			last_byte = -1;
		if (same_word(text + start, length, "syscall"))
			return "syscall";
		if (same_word(text + start, length, "sysenter"))
			return "sysenter";
		if (!same_word(text + start, length, "int"))
			return nullptr;
		while (word < end && isspace(static_cast<unsigned char>(text[word])))
			word++;
		if (has_operands && (text[word] == '%' || strncmp(text + word, "$%", 2) == 0))
			return ask(text + word, data) ? "int 0x80" : nullptr;
		word += text[word] == '$';
		char *rest;
		bool is_int80 = strtoul(text + word, &rest, 0) == 0x80 ||
				strncasecmp(text + word, "80h", 3) == 0;
		return is_int80 ? "int 0x80" : nullptr;
	}
}

bool template_reader::next(template_trap &found)
{
	while (text[at]) {
		size_t start = at, end = statement_end(at), bytes_from = last_start;
		bool continues = last_byte >= 0;
		const char *name = opcode(start, end);

		if (last_byte >= 0 && !continues)
			last_start = start;
		at = skip_comment(end);
		if (at == end && text[at])
			at++;
		if (name) {
			while (start < end && isspace(static_cast<unsigned char>(text[start])))
				start++;
			bool spread = continues && last_byte >= 0;
			found = { spread ? bytes_from : start, end, name };
			last_byte = -1;
			return true;
		}
	}
	return false;
}
