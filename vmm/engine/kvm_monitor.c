// SPDX-License-Identifier: MIT
#include "engine/kvm_monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "x86/regs.h"

/* --- layout: offsets from the start of the monitor's memory ----------------------------------- */

#define OFF_IDT 0x0000u
#define OFF_TSS 0x1000u
#define OFF_STUBS 0x2000u
#define OFF_RESUME 0x3000u /* IRETQ */
#define OFF_STOP 0x3010u   /* OUT, at the end of the queue's stub */
#define OFF_QUEUE 0x3020u
#define OFF_FIXED_END 0x4000u /* up to here nothing ever changes */
#define OFF_STOP_FLAG 0x4000u
#define OFF_TABLES 0x5000u /* PDPT, then the page directories of the monitor and the pool */
#define TABLE_PAGES 6u
#define OFF_ROOT 0xb000u /* a PML4 that maps the monitor alone */
#define OFF_STACK 0xc000u
#define STACK_BYTES 0x1000u
#define OFF_GDT 0x10000u
#define OFF_LDT 0x20000u
#define OFF_CHANGES 0x40000u
#define SLOTS_BYTES ((8192 - MONITOR_FIRST_SLOT) * sizeof(uint64_t)) /* the monitor's in the GDT */
#define CHANGES_MAX ((MONITOR_BYTES - OFF_CHANGES) / sizeof(struct monitor_change))

#define STUB_BYTES 16u
#define FRAME_BYTES sizeof(struct monitor_frame)
#define OFF_FRAME (OFF_STACK + STACK_BYTES - FRAME_BYTES)

#define CODE_64 0x00af9b000000ffffull /* execute/read, accessed, DPL 0, L */
#define TSS_BUSY_64 0x00008b0000000000ull
#define TSS_LIMIT 0x67u
#define TSS_RSP0 0x04u
#define TSS_IOMAP 0x66u
#define GATE_INTERRUPT 0x8eull /* present, DPL 0, 64-bit interrupt gate */
#define PDE_LARGE_BYTES (2ull << 20)

static uint64_t linear(uint64_t offset)
{
	return MONITOR_LIN + offset;
}

/* --- building --------------------------------------------------------------------------------- */

static bool has_error_code(unsigned vector)
{
	return vector == VEC_DF || (vector >= VEC_TS && vector <= VEC_PF) || vector == VEC_AC;
}

static void build_stub(uint8_t *image, unsigned vector)
{
	static const uint8_t drop_error[] = { 0x48, 0x83, 0xc4, 0x08 }; /* add $8, %rsp */
	uint64_t at = linear(OFF_STUBS + vector * STUB_BYTES);
	uint8_t *stub = image + OFF_STUBS + vector * STUB_BYTES;
	uint64_t gate[2] = { (at & 0xffff) | (uint64_t)MONITOR_CS << 16 | GATE_INTERRUPT << 40 |
				     (at >> 16 & 0xffff) << 48,
			     at >> 32 };

	memcpy(image + OFF_IDT + vector * sizeof(gate), gate, sizeof(gate));
	*stub++ = 0xe6; /* out %al, $MONITOR_PORT */
	*stub++ = MONITOR_PORT;
	if (has_error_code(vector)) {
		memcpy(stub, drop_error, sizeof(drop_error));
		stub += sizeof(drop_error);
	}
	*stub++ = 0x48; /* iretq */
	*stub = 0xcf;
}

#define QUEUE_POPPED 87u /* offset in the stub behind its last POP */

/* The stub of the queue, in machine code: RSI walks the changes, RAX is what to do. */
static void build_queue(uint8_t *image)
{
	static const uint8_t code[] = {
		0x50, 0x51, 0x56, 0x57,		    /* push %rax, %rcx, %rsi, %rdi */
		0xfc,				    /* cld */
		0x48, 0xbe, 0, 0, 0, 0, 0, 0, 0, 0, /* mov $changes, %rsi */
		/* next: 15 */
		0x48, 0x8b, 0x06,	/* mov (%rsi), %rax */
		0xa8, MONITOR_STORE,	/* test $STORE, %al */
		0x74, 0x0b,		/* jz 1f */
		0x48, 0x8b, 0x7e, 0x08, /* mov 8(%rsi), %rdi */
		0x48, 0x8b, 0x4e, 0x10, /* mov 16(%rsi), %rcx */
		0x48, 0x89, 0x0f,	/* mov %rcx, (%rdi) */
		0xa8, MONITOR_INVLPG,	/* 1: test $INVLPG, %al */
		0x74, 0x07,		/* jz 2f */
		0x48, 0x8b, 0x7e, 0x18, /* mov 24(%rsi), %rdi */
		0x0f, 0x01, 0x3f,	/* invlpg (%rdi) */
		0xa8, MONITOR_CR3,	/* 2: test $CR3, %al */
		0x74, 0x07,		/* jz 3f */
		0x48, 0x8b, 0x4e, 0x10, /* mov 16(%rsi), %rcx */
		0x0f, 0x22, 0xd9,	/* mov %rcx, %cr3 */
		0xa8, MONITOR_CLEAR,	/* 3: test $CLEAR, %al */
		0x74, 0x10,		/* jz 4f */
		0x48, 0x8b, 0x7e, 0x08, /* mov 8(%rsi), %rdi */
		0xb9, 0x00, 0x02, 0, 0, /* mov $512, %ecx */
		0x50,			/* push %rax */
		0x31, 0xc0,		/* xor %eax, %eax */
		0xf3, 0x48, 0xab,	/* rep stosq */
		0x58,			/* pop %rax */
		0x48, 0x83, 0xc6, 0x20, /* 4: add $32, %rsi */
		0xa8, MONITOR_LAST,	/* test $LAST, %al */
		0x74, 0xbc,		/* jz next */
		0x5f, 0x5e, 0x59, 0x58, /* pop %rdi, %rsi, %rcx, %rax */
		/* cmpb $0, stop flag (relative to the next instruction); jne stop; iretq */
		0x80, 0x3d, 0, 0, 0, 0, 0x00, 0x75, 0, 0x48, 0xcf
	};
	const uint64_t changes = linear(OFF_CHANGES);
	uint8_t *at = image + OFF_QUEUE, *end = at + sizeof(code);
	const uint32_t compare_end = OFF_QUEUE + (uint32_t)sizeof(code) - 4;
	const uint32_t flag = OFF_STOP_FLAG - compare_end;

	memcpy(at, code, sizeof(code));
	memcpy(at + 7, &changes, sizeof(changes));
	memcpy(end - 9, &flag, sizeof(flag));
	end[-3] = (uint8_t)(OFF_STOP - (compare_end + 2));
	/* the stop: out %al, $MONITOR_PORT; iretq */
	memcpy(image + OFF_STOP, (uint8_t[]){ 0xe6, MONITOR_PORT, 0x48, 0xcf }, 4);
	memcpy(image + OFF_RESUME, (uint8_t[]){ 0x48, 0xcf }, 2);
}

/* Everything up to OFF_FIXED_END. */
static void build_fixed(uint8_t *image)
{
	const uint64_t rsp0 = linear(OFF_STACK + STACK_BYTES);
	const uint16_t no_iomap = TSS_LIMIT + 1;

	for (unsigned n = 0; n < MONITOR_VECTORS; n++)
		build_stub(image, n);
	build_queue(image);
	memcpy(image + OFF_TSS + TSS_RSP0, &rsp0, sizeof(rsp0));
	memcpy(image + OFF_TSS + TSS_IOMAP, &no_iomap, sizeof(no_iomap));
}

/* The monitor's own slots of the GDT, from MONITOR_FIRST_SLOT on. */
static void build_slots(uint64_t *slot)
{
	const uint64_t tss = linear(OFF_TSS);

	memset(slot, 0, SLOTS_BYTES);
	slot[0] = CODE_64;
	slot[(MONITOR_TR - MONITOR_CS) / 8] = TSS_BUSY_64 | TSS_LIMIT | (tss & 0xffffff) << 16 |
					      (tss >> 24 & 0xff) << 56;
	slot[(MONITOR_TR - MONITOR_CS) / 8 + 1] = tss >> 32;
}

/* PML4 slot 1: the monitor's memory and the pool in one piece, by 2 MiB pages, for supervisors. */
static int build_tables(struct monitor *m)
{
	uint64_t *pdpt = (uint64_t *)(void *)(m->memory + OFF_TABLES);
	uint64_t *pd = pdpt + PAGE_BYTES / sizeof(*pdpt);
	uint64_t large = (m->bytes + PDE_LARGE_BYTES - 1) / PDE_LARGE_BYTES;

	if (large > (TABLE_PAGES - 1) * 512u)
		return -ENOMEM;
	for (uint64_t n = 0; n < large; n++)
		pd[n] = (MONITOR_GPA + n * PDE_LARGE_BYTES) | PTE_P | PTE_W | PTE_A | PTE_D |
			PTE_PS;
	for (unsigned n = 0; n * 512u < large; n++)
		pdpt[n] = (MONITOR_GPA + OFF_TABLES + (n + 1) * PAGE_BYTES) | PTE_P | PTE_W | PTE_A;
	((uint64_t *)(void *)(m->memory + OFF_ROOT))[1] = monitor_root_entry();
	return 0;
}

int monitor_create(struct monitor *m, uint64_t pool_pages)
{
	void *memory;

	*m = (struct monitor){ .pool_pages = pool_pages,
			       .bytes = MONITOR_BYTES + (pool_pages << PAGE_SHIFT) };
	/* whole 2 MiB pages, as they are mapped */
	m->bytes = (m->bytes + PDE_LARGE_BYTES - 1) & ~(PDE_LARGE_BYTES - 1);
	memory = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	m->memory = memory;
	m->waiting = calloc(pool_pages / 64 + 1, sizeof(*m->waiting));
	m->built = malloc(OFF_FIXED_END + SLOTS_BYTES);
	if (!m->waiting || !m->built || build_tables(m)) {
		monitor_destroy(m);
		return -ENOMEM;
	}
	build_fixed(m->memory);
	build_slots(monitor_gdt(m) + MONITOR_FIRST_SLOT);
	memcpy(m->built, m->memory, OFF_FIXED_END);
	memcpy(m->built + OFF_FIXED_END, monitor_gdt(m) + MONITOR_FIRST_SLOT, SLOTS_BYTES);
	return 0;
}

void monitor_destroy(struct monitor *m)
{
	if (m->memory)
		munmap(m->memory, m->bytes);
	free(m->waiting);
	free(m->built);
	free(m->queue);
	*m = (struct monitor){ .memory = NULL };
}

bool monitor_intact(const struct monitor *m)
{
	return !memcmp(m->built, m->memory, OFF_FIXED_END) &&
	       !memcmp(m->built + OFF_FIXED_END, monitor_gdt(m) + MONITOR_FIRST_SLOT, SLOTS_BYTES);
}

/* --- registers -------------------------------------------------------------------------------- */

#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define GDT_LIMIT 0xffffu
#define IDT_LIMIT 0xfffu

void monitor_sregs(struct kvm_sregs *s)
{
	s->gdt = (struct kvm_dtable){ .base = linear(OFF_GDT), .limit = GDT_LIMIT };
	s->idt = (struct kvm_dtable){ .base = linear(OFF_IDT), .limit = IDT_LIMIT };
	s->tr = (struct kvm_segment){ .base = linear(OFF_TSS),
				      .limit = TSS_LIMIT,
				      .selector = MONITOR_TR,
				      .type = SYS_TSS32_BUSY,
				      .present = 1 };
	/* SCE and NXE stay off: SYSCALL is #UD, and error codes have no bit 4 */
	s->efer = EFER_LME | EFER_LMA;
	s->apic_base = 0;
	memset(s->interrupt_bitmap, 0, sizeof(s->interrupt_bitmap));
}

void monitor_enter_sregs(struct kvm_sregs *s)
{
	s->cs = (struct kvm_segment){ .limit = 0xffffffff,
				      .selector = MONITOR_CS,
				      .type = 11,
				      .present = 1,
				      .s = 1,
				      .l = 1,
				      .g = 1 };
	s->ss = (struct kvm_segment){ .unusable = 1 };
}

uint64_t monitor_root_entry(void)
{
	return (MONITOR_GPA + OFF_TABLES) | PTE_P | PTE_W | PTE_A;
}

uint64_t monitor_own_root(void)
{
	return MONITOR_GPA + OFF_ROOT;
}

int monitor_vector(uint64_t rip)
{
	uint64_t at = rip - linear(OFF_STUBS);

	if (at >= MONITOR_VECTORS * STUB_BYTES || (at % STUB_BYTES != 0 && at % STUB_BYTES != 2))
		return -1;
	return (int)(at / STUB_BYTES);
}

struct monitor_frame *monitor_frame(const struct monitor *m)
{
	return (struct monitor_frame *)(void *)(m->memory + OFF_FRAME);
}

uint64_t monitor_error(const struct monitor *m)
{
	uint64_t error;

	memcpy(&error, m->memory + OFF_FRAME - sizeof(error), sizeof(error));
	return error;
}

bool monitor_first_level(uint64_t rsp, int vector)
{
	return rsp == linear(OFF_FRAME) - (has_error_code((unsigned)vector) ? 8 : 0);
}

uint64_t monitor_resume_rip(void)
{
	return linear(OFF_RESUME);
}

uint64_t monitor_resume_rsp(void)
{
	return linear(OFF_FRAME);
}

uint64_t monitor_queue_rip(void)
{
	return linear(OFF_QUEUE);
}

bool monitor_in_queue(uint64_t rip)
{
	return rip >= linear(OFF_QUEUE) && rip < linear(OFF_QUEUE + QUEUE_POPPED);
}

bool monitor_stopped(uint64_t rip)
{
	return rip == linear(OFF_STOP) || rip == linear(OFF_STOP) + 2;
}

uint64_t monitor_after_stop(void)
{
	return linear(OFF_STOP) + 2;
}

uint64_t *monitor_gdt(const struct monitor *m)
{
	return (uint64_t *)(void *)(m->memory + OFF_GDT);
}

uint64_t *monitor_ldt(const struct monitor *m)
{
	return (uint64_t *)(void *)(m->memory + OFF_LDT);
}

uint64_t monitor_ldt_base(void)
{
	return linear(OFF_LDT);
}

/* --- the queue -------------------------------------------------------------------------------- */

#define QUEUE_FIRST 256u

void monitor_change(struct monitor *m, const struct monitor_change *c)
{
	if (m->queued == m->room) {
		size_t room = m->room ? m->room * 2 : QUEUE_FIRST;
		struct monitor_change *more = realloc(m->queue, room * sizeof(*more));

		if (!more) {
			m->lost = true;
			return;
		}
		m->queue = more;
		m->room = room;
	}
	m->queue[m->queued++] = *c;
}

void monitor_note_page(struct monitor *m, uint32_t page)
{
	m->waiting[page / 64] |= 1ull << page % 64;
}

void monitor_add(struct monitor *m, uint32_t page, uint32_t index, uint64_t value)
{
	uint64_t *entry =
		(uint64_t *)(void *)(m->memory + MONITOR_BYTES + ((size_t)page << PAGE_SHIFT)) +
		index;

	if (m->waiting[page / 64] >> page % 64 & 1) {
		struct monitor_change c = { .what = MONITOR_STORE,
					    .at = monitor_entry_at(page, index),
					    .value = value };

		monitor_change(m, &c);
	} else {
		__atomic_store_n(entry, value, __ATOMIC_RELEASE);
	}
}

bool monitor_queue_load(struct monitor *m, bool stop)
{
	struct monitor_change *to = (struct monitor_change *)(void *)(m->memory + OFF_CHANGES);
	size_t count = m->queued < CHANGES_MAX ? m->queued : CHANGES_MAX;
	bool all = count == m->queued;

	memcpy(to, m->queue, count * sizeof(*to));
	to[count - 1].what |= MONITOR_LAST;
	m->queued -= count;
	memmove(m->queue, m->queue + count, m->queued * sizeof(*m->queue));
	m->memory[OFF_STOP_FLAG] = stop || !all;
	if (all)
		memset(m->waiting, 0, (m->pool_pages / 64 + 1) * sizeof(*m->waiting));
	return all;
}

void monitor_queue_stop(struct monitor *m)
{
	m->memory[OFF_STOP_FLAG] = 1;
}
