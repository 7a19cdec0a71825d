// SPDX-License-Identifier: MIT
/*
 * Lengths of x86-64 instructions.
 *
 * Only what decides the length is looked at: prefixes, opcode map, whether there is a ModRM byte,
 * and how long the immediate is. Some bytes that no processor accepts get a length too; they do
 * not occur in compiled code, and a length is all that is asked for.
 */
#include "length.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * One letter for each opcode of a map:
 *   .  nothing follows        m  ModRM                   x  no instruction
 *   b  imm8                   M  ModRM, imm8             p  prefix, handled before
 *   w  imm16                  z  imm16 or imm32          Z  ModRM, imm16 or imm32
 *   e  imm16, imm8            v  imm16, imm32 or imm64   o  an address of 64 or 32 bits
 *   j  rel32                  g  ModRM, imm8 for TEST    G  ModRM, imm16 or imm32 for TEST
 *   E  leads to another map
 */
static const char one_byte[256 + 1] =
	"mmmmbzxxmmmmbzxE" "mmmmbzxxmmmmbzxx" "mmmmbzpxmmmmbzpx" "mmmmbzpxmmmmbzpx"
	"pppppppppppppppp" "................" "xxEmppppzZbM...." "bbbbbbbbbbbbbbbb"
	"MZxMmmmmmmmmmmmE" "..........x....." "oooo....bz......" "bbbbbbbbvvvvvvvv"
	"MMw.EEMZe.w..bx." "mmmmxxx.mmmmmmmm" "bbbbbbbbjjxb...." "p.pp..gG......mm";

static const char two_byte[256 + 1] =
	"mmmmx.....x.xm.M" "mmmmmmmmmmmmmmmm" "mmmmxxxxmmmmmmmm" "......x.ExExxxxx"
	"mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "MMMMmmm.mmxxmmmm"
	"jjjjjjjjjjjjjjjj" "mmmmmmmmmmmmmmmm" "...mMmxx...mMmmm" "mmmmmmmmmmMmmmmm"
	"mmMmMMMm........" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm";

struct cursor {
	const unsigned char *code;
	size_t size;
	size_t at;
	bool short_operand;	/* prefix 66 */
	bool short_address;	/* prefix 67 */
	bool wide;		/* REX.W */
	bool repne;		/* prefix f2 */
};

static const struct insn nothing = { 0, INSN_PLAIN };

static int peek(const struct cursor *c, size_t ahead)
{
	return c->at + ahead < c->size ? c->code[c->at + ahead] : -1;
}

/* Skip ModRM, SIB and displacement. Returns false if they end too early. */
static bool skip_modrm(struct cursor *c)
{
	int modrm = peek(c, 0);
	int mode, base;

	if (modrm < 0)
		return false;
	c->at++;
	mode = modrm >> 6;
	base = modrm & 7;
	if (mode == 3)
		return true;
	if (base == 4) {
		int sib = peek(c, 0);

		if (sib < 0)
			return false;
		c->at++;
		base = sib & 7;
	}
	if (mode == 1)
		c->at += 1;
	else if (mode == 2 || base == 5)
		c->at += 4;
	return c->at <= c->size;
}

static size_t operand_bytes(const struct cursor *c)
{
	return c->short_operand && !c->wide ? 2 : 4;
}

/* Skip what a letter of the tables says. Returns false for no instruction. */
static bool skip_operands(struct cursor *c, char form)
{
	bool test = peek(c, 0) >= 0 && (peek(c, 0) & 0x38) < 0x10;

	switch (form) {
	case 'm': case 'M': case 'Z': case 'g': case 'G':
		if (!skip_modrm(c))
			return false;
		break;
	case 'x': case 'p': case 'E':
		return false;
	}
	switch (form) {
	case 'b': case 'M':
		c->at += 1;
		break;
	case 'w':
		c->at += 2;
		break;
	case 'e':
		c->at += 3;
		break;
	case 'z': case 'Z':
		c->at += operand_bytes(c);
		break;
	case 'j':
		c->at += 4;
		break;
	case 'v':
		c->at += c->wide ? 8 : operand_bytes(c);
		break;
	case 'o':
		c->at += c->short_address ? 4 : 8;
		break;
	case 'g':
		c->at += test ? 1 : 0;
		break;
	case 'G':
		c->at += test ? operand_bytes(c) : 0;
		break;
	}
	return c->at <= c->size;
}

/* The letter of an opcode in a map that VEX, EVEX and XOP prefixes name by number. */
static char map_form(int map, int opcode, bool vex)
{
	switch (map) {
	case 1:
		if (vex && opcode == 0x77)
			return '.';
		return two_byte[opcode] == 'M' ? 'M' : 'm';
	case 2: case 5: case 6: case 9:
		return 'm';
	case 3: case 8:
		return 'M';
	case 10:
		return 'Z';
	}
	return 'x';
}

/* Decode after a VEX (c4, c5), EVEX (62) or XOP (8f) byte, of which `bytes` prefix bytes follow. */
static struct insn decode_vector(struct cursor *c, int map, size_t bytes, bool vex)
{
	int opcode = peek(c, bytes);

	if (opcode < 0)
		return nothing;
	c->at += bytes + 1;
	/* The operand size is in the prefix: immediates have one size. */
	c->short_operand = false;
	if (!skip_operands(c, map_form(map, opcode, vex)))
		return nothing;
	return (struct insn){ c->at, INSN_PLAIN };
}

static struct insn decode_two_byte(struct cursor *c)
{
	enum insn_kind kind = INSN_PLAIN;
	int opcode = peek(c, 0);
	char form;

	if (opcode < 0)
		return nothing;
	c->at++;
	if (opcode == 0x38 || opcode == 0x3a) {
		if (peek(c, 0) < 0)
			return nothing;
		c->at++;
		form = opcode == 0x38 ? 'm' : 'M';
	} else {
		form = two_byte[opcode];
		/* EXTRQ and INSERTQ of SSE4a. */
		if (opcode == 0x78 && (c->short_operand || c->repne)) {
			form = 'M';
			c->at += 1;
		}
	}
	if (opcode == 0x05)
		kind = INSN_SYSCALL;
	else if (opcode == 0x34)
		kind = INSN_SYSENTER;
	if (!skip_operands(c, form))
		return nothing;
	return (struct insn){ c->at, kind };
}

static struct insn decode_one_byte(struct cursor *c, int opcode)
{
	enum insn_kind kind = INSN_PLAIN;
	char form = one_byte[opcode];
	int next = peek(c, 0);

	if (form == 'E') {
		switch (opcode) {
		case 0x0f:
			return decode_two_byte(c);
		case 0xc5:
			return decode_vector(c, 1, 1, true);
		case 0xc4:
			return decode_vector(c, next < 0 ? 0 : next & 0x1f, 2, true);
		case 0x62:
			return decode_vector(c, next < 0 ? 0 : next & 0x07, 3, false);
		}
		if (next >= 0 && (next & 0x1f) >= 8)
			return decode_vector(c, next & 0x1f, 2, false);
		form = 'm';
	}
	if (opcode == 0xcd && next == 0x80)
		kind = INSN_INT80;
	if (!skip_operands(c, form))
		return nothing;
	return (struct insn){ c->at, kind };
}

struct insn insn_decode(const unsigned char *code, size_t size)
{
	struct cursor c = { code, size < INSN_MAX ? size : INSN_MAX, 0, false, false, false, false };

	for (;;) {
		int byte = peek(&c, 0);

		if (byte < 0)
			return nothing;
		c.at++;
		if ((byte & 0xf0) == 0x40) {
			c.wide = byte & 8;
			continue;
		}
		if (one_byte[byte] != 'p')
			return decode_one_byte(&c, byte);
		/* REX counts only if it is the last of the prefixes. */
		c.wide = false;
		c.short_operand |= byte == 0x66;
		c.short_address |= byte == 0x67;
		c.repne |= byte == 0xf2;
	}
}

const char *insn_name(enum insn_kind kind)
{
	switch (kind) {
	case INSN_SYSCALL:
		return "syscall";
	case INSN_SYSENTER:
		return "sysenter";
	case INSN_INT80:
		return "int 0x80";
	default:
		return "";
	}
}
