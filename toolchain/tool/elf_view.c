// SPDX-License-Identifier: MIT
#include "elf_view.h"

#include <string.h>

bool elf_open(struct elf_view *view, const unsigned char *image, size_t size)
{
	const Elf64_Ehdr *header = (const void *)image;

	if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64)
		return false;
	if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shoff % sizeof(uint64_t) != 0 ||
	    header->e_shoff > size || size - header->e_shoff < sizeof(Elf64_Shdr))
		return false;
	*view = (struct elf_view){ image, size, header, (const void *)(image + header->e_shoff),
				   header->e_shnum };
	/* Files with very many sections keep their number in the first one. */
	if (view->count == 0)
		view->count = view->sections[0].sh_size;
	return view->count <= (size - header->e_shoff) / sizeof(Elf64_Shdr);
}

struct elf_bytes elf_section(const struct elf_view *view, size_t index)
{
	const Elf64_Shdr *section;

	if (index >= view->count)
		return (struct elf_bytes){ view->image, 0 };
	section = &view->sections[index];
	if (section->sh_type == SHT_NOBITS || section->sh_offset > view->size ||
	    section->sh_size > view->size - section->sh_offset)
		return (struct elf_bytes){ view->image, 0 };
	return (struct elf_bytes){ view->image + section->sh_offset, section->sh_size };
}

const char *elf_string(const struct elf_view *view, size_t index, size_t offset)
{
	struct elf_bytes table = elf_section(view, index);

	if (offset >= table.size || memchr(table.data + offset, 0, table.size - offset) == NULL)
		return "";
	return (const char *)table.data + offset;
}

const char *elf_section_name(const struct elf_view *view, size_t index)
{
	size_t names = view->header->e_shstrndx;

	if (names == SHN_XINDEX)
		names = view->sections[0].sh_link;
	return elf_string(view, names, view->sections[index].sh_name);
}

bool elf_is_object(const struct elf_view *view)
{
	return view->header->e_type == ET_REL;
}
