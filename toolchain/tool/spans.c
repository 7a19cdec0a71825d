// SPDX-License-Identifier: MIT
#include "spans.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* Encodings of pointers in unwind information (DWARF, "pointer encodings" of .eh_frame). */
#define PE_PCREL_SDATA4 0x1b
#define PE_PCREL_SDATA8 0x1c

static void add(struct spans *spans, struct span span)
{
	spans->items = grow(spans->items, spans->count, sizeof(span));
	spans->items[spans->count++] = span;
}

static bool inside(const struct elf_view *view, size_t section, uint64_t address)
{
	const Elf64_Shdr *header = &view->sections[section];
	uint64_t base = elf_is_object(view) ? 0 : header->sh_addr;

	return address >= base && address - base < header->sh_size;
}

static void add_symbols(struct spans *spans, const struct elf_view *view, size_t table,
			size_t section)
{
	struct elf_bytes bytes = elf_section(view, table);
	const Elf64_Sym *symbols = (const void *)bytes.data;

	for (size_t i = 0; i < bytes.size / sizeof(*symbols); i++) {
		const Elf64_Sym *symbol = &symbols[i];
		int type = ELF64_ST_TYPE(symbol->st_info);

		if (symbol->st_shndx != section || !inside(view, section, symbol->st_value))
			continue;
		if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE &&
		    type != STT_OBJECT)
			continue;
		add(spans, (struct span){ symbol->st_value, symbol->st_value + symbol->st_size,
					  elf_string(view, view->sections[table].sh_link,
						     symbol->st_name), type == STT_OBJECT });
	}
}

static const unsigned char *skip_leb(const unsigned char *at, const unsigned char *end)
{
	while (at < end && *at & 0x80)
		at++;
	return at + 1;
}

/* How the entries of a CIE write addresses; 0 if that is nothing a compiler here writes. */
static int cie_encoding(const unsigned char *at, const unsigned char *end)
{
	const char *letters = (const char *)at + 1;
	const unsigned char *data = memchr(at, 0, end - at);

	if (data == NULL || letters[0] != 'z')
		return 0;
	/* Version 1: the return address column is one byte. */
	data = skip_leb(data + 1, end);
	data = skip_leb(data, end) + 1;
	data = skip_leb(data, end);
	for (letters++; *letters && data < end; letters++) {
		if (*letters == 'R')
			return *data;
		if (*letters == 'P')
			data += (*data & 7) == 4 ? 9 : 5;
		else if (*letters == 'L')
			data++;
	}
	return 0;
}

static void add_entry(struct spans *spans, const struct elf_view *view, size_t section, int encoding,
		      const unsigned char *at, uint64_t address)
{
	int64_t start, length;

	if (encoding == PE_PCREL_SDATA4) {
		int32_t words[2];

		memcpy(words, at, sizeof(words));
		start = words[0];
		length = words[1];
	} else if (encoding == PE_PCREL_SDATA8) {
		memcpy(&start, at, sizeof(start));
		memcpy(&length, at + sizeof(start), sizeof(length));
	} else {
		return;
	}
	address += start;
	if (inside(view, section, address))
		add(spans, (struct span){ address, address + length, "", false });
}

static void add_unwind(struct spans *spans, const struct elf_view *view, size_t table,
		       size_t section)
{
	struct elf_bytes frame = elf_section(view, table);
	uint64_t base = view->sections[table].sh_addr;
	uint32_t words[2];
	size_t next;

	for (size_t at = 0; at + sizeof(words) <= frame.size; at = next) {
		const unsigned char *entry = frame.data + at + sizeof(words);
		size_t cie;

		memcpy(words, frame.data + at, sizeof(words));
		next = at + 4 + words[0];
		if (words[0] == 0 || words[0] == UINT32_MAX || next > frame.size)
			return;
		cie = at + 4 - words[1];
		if (words[1] == 0 || cie + 9 > frame.size || words[0] < 20)
			continue;
		add_entry(spans, view, section,
			  cie_encoding(frame.data + cie + 8, frame.data + frame.size), entry,
			  base + at + sizeof(words));
	}
}

static int by_start(const void *a, const void *b)
{
	const struct span *one = a, *other = b;

	if (one->start != other->start)
		return one->start < other->start ? -1 : 1;
	/* Of two at the same place the one that says more comes last. */
	if (one->end != other->end)
		return one->end < other->end ? -1 : 1;
	return strcmp(other->name, one->name);
}

struct spans spans_of(const struct elf_view *view, size_t section)
{
	struct spans spans = { 0 };
	bool have_symbols = false;

	for (size_t i = 1; i < view->count; i++)
		have_symbols |= view->sections[i].sh_type == SHT_SYMTAB;
	for (size_t i = 1; i < view->count; i++) {
		if (view->sections[i].sh_type == (have_symbols ? SHT_SYMTAB : SHT_DYNSYM))
			add_symbols(&spans, view, i, section);
		if (!have_symbols && strcmp(elf_section_name(view, i), ".eh_frame") == 0)
			add_unwind(&spans, view, i, section);
	}
	if (spans.count)
		qsort(spans.items, spans.count, sizeof(*spans.items), by_start);
	return spans;
}

void spans_free(struct spans *spans)
{
	free(spans->items);
}
