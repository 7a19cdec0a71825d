/* SPDX-License-Identifier: MIT */
/* Sections of an ELF image in memory, every access checked against its size. */
#ifndef XSC_ELF_VIEW_H
#define XSC_ELF_VIEW_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_view {
	const unsigned char *image;
	size_t size;
	const Elf64_Ehdr *header;
	const Elf64_Shdr *sections;
	size_t count;
};

struct elf_bytes {
	const unsigned char *data;
	size_t size;
};

/* Returns false if the image is no whole x86-64 ELF file with sections. */
bool elf_open(struct elf_view *view, const unsigned char *image, size_t size);

/* What a section holds in the file; nothing if it lies outside of it. */
struct elf_bytes elf_section(const struct elf_view *view, size_t index);

/* The string at `offset` of string table `index`; "" if there is none. */
const char *elf_string(const struct elf_view *view, size_t index, size_t offset);

const char *elf_section_name(const struct elf_view *view, size_t index);

/* Whether addresses in this file are relative to sections. */
bool elf_is_object(const struct elf_view *view);

#endif
