// SPDX-License-Identifier: MIT
/*
 * The multiboot header of an image (Multiboot Specification 0.6.96, 3.1): find it, refuse what this
 * machine does not have, and plan the image by its addresses or as an ELF.
 */
#include <inttypes.h>
#include <string.h>

#include "machine/loader_plan.h"

#define HEADER_MAGIC 0x1badb002u
#define HEADER_SEARCH 8192u /* the header lies within this many bytes, 4-aligned */
#define HEADER_ALIGN 4u

#define FLAG_MODULES_ALIGNED (1u << 0) /* we always align them */
#define FLAG_MEMORY_INFO (1u << 1)     /* we always give it */
#define FLAG_VIDEO (1u << 2)
#define FLAG_ADDRESSES (1u << 16)
#define FLAGS_REQUIRED 0xffffu /* a loader must refuse what it does not know of these */
#define FLAGS_KNOWN (FLAG_MODULES_ALIGNED | FLAG_MEMORY_INFO)

struct header {
	uint32_t magic, flags, checksum;
};

/* Behind the header with FLAG_ADDRESSES ("a.out kludge"). Physical; ends are exclusive. */
struct addresses {
	uint32_t header, load, load_end, bss_end, entry;
};

static bool header_valid(const struct header *h)
{
	return h->magic == HEADER_MAGIC && h->magic + h->flags + h->checksum == 0;
}

static struct header header_at(const struct loader_image *image, size_t offset)
{
	struct header h;

	memcpy(&h, (const char *)image->data + offset, sizeof(h));
	return h;
}

/*
 * Nothing where the specification looks. A valid header elsewhere is a mistake of the linker script
 * that would otherwise start the image as something it is not.
 */
static int refuse_stray(const struct load_plan *p)
{
	const uint32_t magic = HEADER_MAGIC;
	const struct loader_image *image = p->image;
	const char *start = image->data, *at = start;

	while ((at = memmem(at, image->bytes - (size_t)(at - start), &magic, sizeof(magic)))) {
		size_t offset = (size_t)(at - start);
		struct header h;

		if (image->bytes - offset < sizeof(h))
			break;
		h = header_at(image, offset);
		if (header_valid(&h) && offset + sizeof(h) > HEADER_SEARCH)
			return plan_refuse(p,
					   "the multiboot header at 0x%zx is not within the first "
					   "%u bytes of the file; place its section first",
					   offset, HEADER_SEARCH);
		if (header_valid(&h))
			return plan_refuse(
				p,
				"the multiboot header at 0x%zx is not aligned to %u bytes; "
				"align its section",
				offset, HEADER_ALIGN);
		at++;
	}
	return 0;
}

/* 1: *h and *offset are filled; 0: no header; -EINVAL: one that is wrong. */
static int find_header(const struct load_plan *p, struct header *h, size_t *offset)
{
	size_t bytes = p->image->bytes < HEADER_SEARCH ? p->image->bytes : HEADER_SEARCH;
	size_t wrong = SIZE_MAX;

	for (size_t at = 0; bytes >= sizeof(*h) && at <= bytes - sizeof(*h); at += HEADER_ALIGN) {
		*h = header_at(p->image, at);
		if (header_valid(h)) {
			*offset = at;
			return 1;
		}
		if (h->magic == HEADER_MAGIC && wrong == SIZE_MAX)
			wrong = at;
	}
	if (wrong == SIZE_MAX)
		return refuse_stray(p);
	*h = header_at(p->image, wrong);
	return plan_refuse(
		p,
		"multiboot header at 0x%zx has a bad checksum 0x%x; make it 0x%x, so that "
		"magic, flags and checksum add up to 0",
		wrong, h->checksum, -(h->magic + h->flags));
}

static int check_flags(const struct load_plan *p, const struct header *h, size_t offset)
{
	uint32_t unknown = h->flags & FLAGS_REQUIRED & ~FLAGS_KNOWN;

	if (unknown & FLAG_VIDEO)
		return plan_refuse(p,
				   "multiboot header at 0x%zx asks for a video mode (flag bit 2), "
				   "which this machine does not have; clear the bit",
				   offset);
	if (unknown)
		return plan_refuse(p,
				   "multiboot header at 0x%zx asks for unknown features (flag bits "
				   "0x%x); clear them",
				   offset, unknown);
	return 0;
}

/* The relations that make the addresses a description of a file at all. */
static int check_addresses(const struct load_plan *p, const struct addresses *a, size_t offset)
{
	if (a->header < a->load)
		return plan_refuse(
			p,
			"multiboot header_addr 0x%x is below load_addr 0x%x; correct the "
			"addresses",
			a->header, a->load);
	if (a->header - a->load > offset)
		return plan_refuse(
			p,
			"multiboot load_addr 0x%x lies 0x%x bytes before header_addr, but "
			"the file has only 0x%zx there; correct the addresses",
			a->load, a->header - a->load, offset);
	if (a->load_end && a->load_end <= a->load)
		return plan_refuse(
			p,
			"multiboot load_end_addr 0x%x is not above load_addr 0x%x; correct "
			"the addresses",
			a->load_end, a->load);
	if (a->bss_end && a->load_end > a->bss_end)
		return plan_refuse(
			p,
			"multiboot load_end_addr 0x%x is above bss_end_addr 0x%x; correct "
			"the addresses",
			a->load_end, a->bss_end);
	return 0;
}

static int read_addresses(const struct load_plan *p, size_t offset, struct addresses *a)
{
	size_t end = offset + sizeof(struct header) + sizeof(*a);

	if (end > p->image->bytes || end > HEADER_SEARCH)
		return plan_refuse(p,
				   "the multiboot header at 0x%zx is truncated: its address fields "
				   "(flag bit 16) must lie in the file and its first %u bytes; "
				   "build it again",
				   offset, HEADER_SEARCH);
	memcpy(a, (const char *)p->image->data + offset + sizeof(struct header), sizeof(*a));
	return check_addresses(p, a, offset);
}

/* The bytes of the file behind the start of the text, or those up to load_end if it is given. */
static int plan_addresses(struct load_plan *p, size_t offset)
{
	struct addresses a = { 0 };
	uint64_t first, filled, text_end, end;
	int err = read_addresses(p, offset, &a);

	if (err)
		return err;
	first = offset - (a.header - a.load);
	filled = a.load_end ? a.load_end - a.load : p->image->bytes - first;
	text_end = a.load + filled;
	end = a.bss_end ? a.bss_end : text_end;
	if (filled > p->image->bytes - first)
		return plan_refuse(p,
				   "multiboot addresses ask for 0x%" PRIx64 " bytes of the file, "
				   "but it ends before that; it is truncated, build it again",
				   filled);
	if (text_end > end)
		return plan_refuse(p,
				   "multiboot bss_end_addr 0x%x is below the end of the file's "
				   "bytes at 0x%" PRIx64 "; correct the addresses",
				   a.bss_end, text_end);
	err = plan_add(p, "multiboot image", a.load, end - a.load, first, filled);
	if (err)
		return err;
	p->entry = a.entry;
	if (!plan_has_code(p, a.entry))
		return plan_refuse(p,
				   "multiboot entry_addr 0x%x lies outside the loaded bytes "
				   "0x%x..0x%" PRIx64 "; correct the addresses",
				   a.entry, a.load, text_end);
	return 0;
}

int plan_multiboot(struct load_plan *p)
{
	struct header h = { 0 };
	size_t offset = 0;
	int err, found = find_header(p, &h, &offset);

	if (found <= 0)
		return found;
	err = check_flags(p, &h, offset);
	if (err)
		return err;
	if (h.flags & FLAG_ADDRESSES)
		err = plan_addresses(p, offset);
	else if (elf_has_magic(p->image))
		err = plan_elf(p);
	else
		err = plan_refuse(p,
				  "multiboot header at 0x%zx without addresses (flag bit 16) in a "
				  "file that is no ELF; set the bit and the address fields",
				  offset);
	return err ? err : 1;
}
