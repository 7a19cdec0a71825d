// SPDX-License-Identifier: MIT
#include "allowed.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define SECTION ".xsc_allow"
#define ALIGN 8

/* In an object file an address is a relocation: against which section, and how far into it. */
static bool relocated(const struct elf_view *view, size_t section, uint64_t at, size_t *target,
		      uint64_t *value)
{
	for (size_t i = 1; i < view->count; i++) {
		const Elf64_Shdr *header = &view->sections[i];
		struct elf_bytes bytes = elf_section(view, i);
		struct elf_bytes table = elf_section(view, header->sh_link);
		const Elf64_Sym *symbols = (const void *)table.data;

		if (header->sh_type != SHT_RELA || header->sh_info != section)
			continue;
		for (size_t j = 0; j + sizeof(Elf64_Rela) <= bytes.size; j += sizeof(Elf64_Rela)) {
			Elf64_Rela entry;
			size_t symbol;

			memcpy(&entry, bytes.data + j, sizeof(entry));
			symbol = ELF64_R_SYM(entry.r_info);
			if (entry.r_offset != at || symbol >= table.size / sizeof(*symbols))
				continue;
			*target = symbols[symbol].st_shndx;
			*value = symbols[symbol].st_value + entry.r_addend;
			return true;
		}
	}
	return false;
}

static void read_section(struct allowed *allowed, const struct elf_view *view, size_t index)
{
	struct elf_bytes bytes = elf_section(view, index);
	uint64_t words[2];
	size_t at = 0;

	while (at + sizeof(words) < bytes.size) {
		struct allowed_range range = { 0 };
		const unsigned char *reason = bytes.data + at + sizeof(words);
		const unsigned char *end = memchr(reason, 0, bytes.size - at - sizeof(words));

		if (end == NULL)
			return;
		memcpy(words, bytes.data + at, sizeof(words));
		range = (struct allowed_range){ 0, words[0], words[1], (const char *)reason };
		if (!elf_is_object(view) ||
		    (relocated(view, index, at, &range.section, &range.start) &&
		     relocated(view, index, at + sizeof(words[0]), &range.section, &range.end))) {
			allowed->ranges = grow(allowed->ranges, allowed->count, sizeof(range));
			allowed->ranges[allowed->count++] = range;
		}
		at = (end + 1 - bytes.data + ALIGN - 1) / ALIGN * ALIGN;
	}
}

struct allowed allowed_read(const struct elf_view *view)
{
	struct allowed allowed = { 0 };

	for (size_t i = 1; i < view->count; i++)
		if (strcmp(elf_section_name(view, i), SECTION) == 0)
			read_section(&allowed, view, i);
	return allowed;
}

const char *allowed_reason(const struct allowed *allowed, size_t section, uint64_t address)
{
	for (size_t i = 0; i < allowed->count; i++) {
		const struct allowed_range *range = &allowed->ranges[i];

		if (range->section && range->section != section)
			continue;
		if (address >= range->start && address < range->end)
			return range->reason;
	}
	return NULL;
}

void allowed_free(struct allowed *allowed)
{
	free(allowed->ranges);
}
