// SPDX-License-Identifier: MIT
#include "machine/loader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine/loader_plan.h"

/* A path in a message is cut here, so that the mend after it stays on the line. */
#define NAME_SHOWN 200

int plan_refuse(const struct load_plan *p, const char *fmt, ...)
{
	char text[DIAG_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return diag_set(p->diag, EINVAL, "%.*s: %s", NAME_SHOWN, p->image->name, text);
}

bool plan_overlaps(const struct load_plan *p, uint64_t start, uint64_t bytes)
{
	for (unsigned i = 0; i < p->segments; i++) {
		const struct plan_segment *s = &p->segment[i];

		if (start < (uint64_t)s->start + s->bytes && s->start < start + bytes)
			return true;
	}
	return false;
}

bool plan_has_code(const struct load_plan *p, uint64_t address)
{
	for (unsigned i = 0; i < p->segments; i++) {
		const struct plan_segment *s = &p->segment[i];

		if (address >= s->start && address - s->start < s->filled)
			return true;
	}
	return false;
}

uint64_t plan_end(const struct load_plan *p)
{
	uint64_t end = RAM_HIGH_START;

	for (unsigned i = 0; i < p->segments; i++) {
		uint64_t last = (uint64_t)p->segment[i].start + p->segment[i].bytes;

		end = last > end ? last : end;
	}
	return (end + PAGE_OFFSET_MASK) & ~(uint64_t)PAGE_OFFSET_MASK;
}

/* Why [start, end) is not RAM, in words. */
static int refuse_range(const struct load_plan *p, const char *what, uint64_t start, uint64_t end)
{
	if (end > 1ull << 32)
		return plan_refuse(p,
				   "%s at 0x%" PRIx64 "..0x%" PRIx64 " wraps past 4 GiB; correct "
				   "its address or size",
				   what, start, end);
	if (start < RAM_HIGH_START && end > RAM_LOW_END)
		return plan_refuse(p,
				   "%s at 0x%" PRIx64 "..0x%" PRIx64 " overlaps the hole "
				   "0xa0000..0x100000, where there is no RAM; link it at 0x100000 "
				   "(1 MiB) or above",
				   what, start, end);
	if (start >= RAM_MAX_BYTES)
		return plan_refuse(p,
				   "%s at 0x%" PRIx64 "..0x%" PRIx64 " lies above 3 GiB, where "
				   "there is never RAM; give it a physical address (AT() in the "
				   "linker script)",
				   what, start, end);
	return plan_refuse(p,
			   "%s at 0x%" PRIx64 "..0x%" PRIx64 " exceeds the RAM, which ends at "
			   "0x%" PRIx64 "; link it lower or give a larger -m",
			   what, start, end, p->ram->bytes);
}

int plan_add(struct load_plan *p, const char *what, uint64_t start, uint64_t bytes, uint64_t offset,
	     uint64_t filled)
{
	uint64_t end = start + bytes;

	if (!ram_span(p->ram, start, bytes))
		return refuse_range(p, what, start, end);
	if (plan_overlaps(p, start, bytes))
		return plan_refuse(p,
				   "%s at 0x%" PRIx64 "..0x%" PRIx64 " overlaps another segment; "
				   "link the image with segments apart",
				   what, start, end);
	if (p->segments == PLAN_SEGMENTS)
		return plan_refuse(p, "more than %u segments to load; link with fewer",
				   PLAN_SEGMENTS);
	p->segment[p->segments++] = (struct plan_segment){
		.start = (uint32_t)start,
		.bytes = (uint32_t)bytes,
		.filled = (uint32_t)filled,
		.data = (const char *)p->image->data + offset,
	};
	return 0;
}

/* Neither multiboot nor ELF: the file as it is, at 1 MiB, and entered there. */
static int plan_flat(struct load_plan *p)
{
	p->entry = RAM_HIGH_START;
	return plan_add(p, "flat image", RAM_HIGH_START, p->image->bytes, 0, p->image->bytes);
}

static int plan_image(struct load_plan *p, enum loader_kind *kind)
{
	int found;

	if (!p->image->bytes)
		return plan_refuse(p, "the image is empty; give a multiboot, ELF32 or flat image");
	found = plan_multiboot(p);
	if (found < 0)
		return found;
	if (found) {
		*kind = LOADER_MULTIBOOT;
		return 0;
	}
	*kind = elf_has_magic(p->image) ? LOADER_ELF : LOADER_FLAT;
	return *kind == LOADER_ELF ? plan_elf(p) : plan_flat(p);
}

/* A plain image has no way to be told anything: do not drop silently what the user gave. */
static int check_plain(const struct load_plan *p, const struct loader_request *request)
{
	if (request->initrd)
		return plan_refuse(p, "no multiboot header in the image, so it cannot be given an "
				      "initrd; add a header or drop --initrd");
	if (request->append && request->append[0])
		return plan_refuse(p, "no multiboot header in the image, so it cannot be given a "
				      "command line; add a header or drop --append");
	return 0;
}

static void copy_segments(struct ram *ram, const struct load_plan *p)
{
	for (unsigned i = 0; i < p->segments; i++) {
		const struct plan_segment *s = &p->segment[i];

		if (s->filled)
			memcpy(ram_span(ram, s->start, s->filled), s->data, s->filled);
		ram_zero(ram, s->start + s->filled, s->bytes - s->filled);
	}
}

int loader_load(struct ram *ram, const struct loader_request *request, struct loader_result *result,
		struct diag *d)
{
	struct load_plan plan = { .ram = ram, .image = &request->image, .diag = d };
	struct multiboot_layout layout = { 0 };
	bool multiboot;
	int err;

	*result = (struct loader_result){ 0 };
	err = plan_image(&plan, &result->kind);
	if (err)
		return err;
	multiboot = result->kind == LOADER_MULTIBOOT;
	err = multiboot ? plan_info(&plan, request, &layout) : check_plain(&plan, request);
	if (err)
		return err;

	copy_segments(ram, &plan);
	result->entry = plan.entry;
	result->end = (uint32_t)plan_end(&plan);
	if (multiboot) {
		info_write(ram, request, &layout);
		result->eax = LOADER_MULTIBOOT_MAGIC;
		result->ebx = layout.info;
		result->end = layout.end;
	}
	return 0;
}
