// SPDX-License-Identifier: MIT
/*
 * The search has two stages, because almost no link holds even the bytes of a trap: first the bytes
 * 0f 05, 0f 34 and cd 80 in executable sections, then, for each place where they are, instructions
 * from the start of the function on. Bytes inside an immediate or an address are no find.
 *
 * Hand-written code keeps tables between functions. A stretch that belongs to no function and has
 * no label counts as code only if all of it can be decoded.
 */
#define _GNU_SOURCE
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allowed.h"
#include "elf_view.h"
#include "length.h"
#include "memory.h"
#include "say.h"
#include "spans.h"

#define NOTE_OWNER "XSC"
#define NOTE_TYPE 1
#define NOTE_VERSION 1
/* Of each trap instruction, behind whatever prefixes it has. */
#define OPCODE_BYTES 2

static bool has_trap_bytes(const unsigned char *at)
{
	return (at[0] == 0x0f && (at[1] == 0x05 || at[1] == 0x34)) ||
	       (at[0] == 0xcd && at[1] == 0x80);
}

/* The next place at or after `at` where the bytes of a trap are; `size` if there is none. */
static size_t next_candidate(const unsigned char *code, size_t at, size_t size)
{
	for (; at + OPCODE_BYTES <= size; at++)
		if (has_trap_bytes(code + at))
			return at;
	return size;
}

/* Where decoding has to begin to know what is at a candidate. */
struct stretch {
	uint64_t start;
	uint64_t end;
	const char *name;
	bool is_data;
	bool is_nameless;
};

static struct stretch stretch_at(const struct spans *spans, uint64_t base, uint64_t end,
				 uint64_t address)
{
	struct stretch nameless = { base, end, "", false, true };
	const struct span *around = NULL, *label = NULL;

	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->items[i];

		if (span->start > address) {
			nameless.end = span->start;
			break;
		}
		if (span->end > address)
			around = span;
		else if (span->end == span->start)
			label = span;
		else if (span->end > nameless.start)
			nameless.start = span->end;
	}
	if (around)
		return (struct stretch){ around->start, around->end, around->name, around->is_data,
					 false };
	if (label && label->start >= nameless.start)
		return (struct stretch){ label->start, nameless.end, label->name, label->is_data,
					 false };
	return nameless;
}

/* Decode from the start of a stretch up to a candidate, and say what instruction is there. */
static enum insn_kind kind_at(const unsigned char *code, size_t start, size_t end, size_t candidate)
{
	while (start < candidate + OPCODE_BYTES) {
		struct insn insn = insn_decode(code + start, end - start);

		start += insn.length ? insn.length : 1;
		if (start == candidate + OPCODE_BYTES && insn.length)
			return insn.kind;
	}
	return INSN_PLAIN;
}

static bool all_decodes(const unsigned char *code, size_t start, size_t end)
{
	while (start < end) {
		struct insn insn = insn_decode(code + start, end - start);

		/* The last one may be cut off. */
		if (insn.length == 0 && end - start >= INSN_MAX)
			return false;
		start += insn.length ? insn.length : 1;
	}
	return true;
}

/* A file without any symbols has one stretch, and that is code. */
static enum insn_kind classify(const unsigned char *code, const struct stretch *stretch,
			       uint64_t base, size_t candidate)
{
	size_t start = stretch->start - base, end = stretch->end - base;

	if (stretch->is_data)
		return INSN_PLAIN;
	if (stretch->is_nameless && start > 0 && !all_decodes(code, start, end))
		return INSN_PLAIN;
	return kind_at(code, start, end, candidate);
}

static void scan_section(struct scan *found, const struct elf_view *view, size_t index,
			 const struct allowed *allowed)
{
	struct elf_bytes code = elf_section(view, index);
	uint64_t base = elf_is_object(view) ? 0 : view->sections[index].sh_addr;
	size_t at = next_candidate(code.data, 0, code.size);
	struct spans spans;

	if (at == code.size)
		return;
	spans = spans_of(view, index);
	for (; at < code.size; at = next_candidate(code.data, at + 1, code.size)) {
		struct stretch stretch = stretch_at(&spans, base, base + code.size, base + at);
		enum insn_kind kind;

		if (stretch.end > base + code.size)
			stretch.end = base + code.size;
		kind = classify(code.data, &stretch, base, at);
		if (kind == INSN_PLAIN)
			continue;
		found->traps = grow(found->traps, found->count, sizeof(*found->traps));
		found->traps[found->count++] = (struct trap){
			elf_section_name(view, index), stretch.name, base + at - stretch.start,
			base + at, insn_name(kind), allowed_reason(allowed, index, base + at),
		};
	}
	spans_free(&spans);
}

static bool note_is_ours(struct elf_bytes notes, size_t align)
{
	size_t unit = align == 8 ? 8 : 4;

	for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size;) {
		Elf64_Nhdr header;
		size_t name = at + sizeof(header), desc;
		uint32_t version;

		memcpy(&header, notes.data + at, sizeof(header));
		desc = (name + header.n_namesz + unit - 1) / unit * unit;
		at = (desc + header.n_descsz + unit - 1) / unit * unit;
		if (desc + header.n_descsz > notes.size)
			return false;
		if (header.n_namesz != sizeof(NOTE_OWNER) || header.n_type != NOTE_TYPE ||
		    header.n_descsz != sizeof(version) ||
		    memcmp(notes.data + name, NOTE_OWNER, sizeof(NOTE_OWNER)) != 0)
			continue;
		memcpy(&version, notes.data + desc, sizeof(version));
		return version == NOTE_VERSION;
	}
	return false;
}

static void read_segments(struct scan *found, const unsigned char *image, size_t size)
{
	const Elf64_Ehdr *header = (const void *)image;
	const Elf64_Phdr *segments = (const void *)(image + header->e_phoff);

	if (header->e_phentsize != sizeof(*segments) || header->e_phoff > size ||
	    (size - header->e_phoff) / sizeof(*segments) < header->e_phnum)
		return;
	found->is_program = header->e_type == ET_EXEC;
	for (size_t i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];
		struct elf_bytes bytes = { image + segment->p_offset, segment->p_filesz };

		if (segment->p_offset > size || segment->p_filesz > size - segment->p_offset)
			continue;
		found->is_program |= segment->p_type == PT_INTERP;
		if (segment->p_type == PT_NOTE)
			found->is_tagged |= note_is_ours(bytes, segment->p_align);
		if (segment->p_type != PT_DYNAMIC)
			continue;
		/* A static PIE names no interpreter and is no ET_EXEC. */
		for (size_t at = 0; at + sizeof(Elf64_Dyn) <= bytes.size; at += sizeof(Elf64_Dyn)) {
			Elf64_Dyn entry;

			memcpy(&entry, bytes.data + at, sizeof(entry));
			found->is_program |= entry.d_tag == DT_FLAGS_1 &&
					     entry.d_un.d_val & DF_1_PIE;
		}
	}
}

struct scan scan_image(const unsigned char *image, size_t size)
{
	struct scan found = { 0 };
	struct allowed allowed;
	struct elf_view view;

	if (!elf_open(&view, image, size))
		return found;
	if (!elf_is_object(&view))
		read_segments(&found, image, size);
	allowed = allowed_read(&view);
	for (size_t i = 1; i < view.count; i++)
		if (view.sections[i].sh_flags & SHF_EXECINSTR &&
		    view.sections[i].sh_type == SHT_PROGBITS)
			scan_section(&found, &view, i, &allowed);
	allowed_free(&allowed);
	return found;
}

bool scan_file(const char *path, struct scan *found)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *image;

	*found = (struct scan){ 0 };
	if (file < 0 || fstat(file, &status) < 0) {
		say("error", "%s: %s", path, strerror(errno));
		if (file >= 0)
			close(file);
		return false;
	}
	if (!S_ISREG(status.st_mode) || status.st_size == 0) {
		close(file);
		return true;
	}
	/* Stays mapped: the finds point into it. */
	image = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	close(file);
	if (image == MAP_FAILED) {
		say("error", "%s: %s", path, strerror(errno));
		return false;
	}
	*found = scan_image(image, status.st_size);
	return true;
}

void scan_free(struct scan *found)
{
	free(found->traps);
}
