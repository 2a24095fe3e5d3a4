// SPDX-License-Identifier: MIT
#define _GNU_SOURCE /* the register numbers of ucontext.h */
#include "native.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/*
 * The context lies at the start of the alternate signal stack, whose size and alignment are equal:
 * so the handler finds it by masking its stack pointer, without a global or a register.
 */
#define CTX_STACK_BYTES 65536
#define CTX_RSP 0
#define CTX_FS_BASE 8
#define CTX_INSIDE 16
#define CTX_GPR 32
#define CTX_EIP 64
#define CTX_EFLAGS 68
#define CTX_SEG 72
#define CTX_DATA_SEG 96

struct native {
	uint64_t rsp;	  /* of native_enter, to return to */
	uint64_t fs_base; /* of the C library */
	uint64_t inside;  /* 32-bit code is running */
	uint64_t unused;
	struct start_state start;
	uint16_t pad[6];
	uint16_t data_seg[4]; /* DS, ES, FS, GS when the handler was entered */
	struct outcome out;
	bool has_ldt, has_low;
};

_Static_assert(offsetof(struct native, rsp) == CTX_RSP, "asm");
_Static_assert(offsetof(struct native, fs_base) == CTX_FS_BASE, "asm");
_Static_assert(offsetof(struct native, inside) == CTX_INSIDE, "asm");
_Static_assert(offsetof(struct native, start.gpr) == CTX_GPR, "asm");
_Static_assert(offsetof(struct native, start.eip) == CTX_EIP, "asm");
_Static_assert(offsetof(struct native, start.eflags) == CTX_EFLAGS, "asm");
_Static_assert(offsetof(struct native, start.seg) == CTX_SEG, "asm");
_Static_assert(offsetof(struct native, data_seg) == CTX_DATA_SEG, "asm");

#define STR_(x) #x
#define STR(x) STR_(x)

void native_enter(struct native *n);
void native_trap(int sig, siginfo_t *info, void *context);
void native_collect(struct native *n, int sig, const ucontext_t *uc);
void native_stray(int sig);

/*
 * native_enter: save what the ABI says a callee keeps, load DS, ES, FS, GS, push an IRETQ frame
 * (SS, ESP, EFLAGS, CS, EIP; SDM vol. 2, IRET), load the general registers, go.
 */
/* clang-format off */
__asm__(".text\n"
	".globl native_enter\n"
	"native_enter:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, " STR(CTX_RSP) "(%rdi)\n"
	"	movq $1, " STR(CTX_INSIDE) "(%rdi)\n"
	"	mov " STR(CTX_SEG) "+0(%rdi), %es\n"
	"	mov " STR(CTX_SEG) "+6(%rdi), %ds\n"
	"	mov " STR(CTX_SEG) "+8(%rdi), %fs\n"
	"	mov " STR(CTX_SEG) "+10(%rdi), %gs\n"
	"	movzwl " STR(CTX_SEG) "+4(%rdi), %eax; push %rax\n"
	"	mov " STR(CTX_GPR) "+16(%rdi), %eax; push %rax\n"
	"	mov " STR(CTX_EFLAGS) "(%rdi), %eax; push %rax\n"
	"	movzwl " STR(CTX_SEG) "+2(%rdi), %eax; push %rax\n"
	"	mov " STR(CTX_EIP) "(%rdi), %eax; push %rax\n"
	"	mov " STR(CTX_GPR) "+0(%rdi), %eax\n"
	"	mov " STR(CTX_GPR) "+4(%rdi), %ecx\n"
	"	mov " STR(CTX_GPR) "+8(%rdi), %edx\n"
	"	mov " STR(CTX_GPR) "+12(%rdi), %ebx\n"
	"	mov " STR(CTX_GPR) "+20(%rdi), %ebp\n"
	"	mov " STR(CTX_GPR) "+24(%rdi), %esi\n"
	"	mov " STR(CTX_GPR) "+28(%rdi), %edi\n"
	"	iretq\n");
/* clang-format on */

/*
 * native_trap, the signal handler. EFLAGS first: Linux clears DF and TF for a handler, but not AC,
 * and C code makes misaligned accesses. Then the segment registers, which no signal frame holds,
 * and the thread pointer. A signal that did not come from 32-bit code is a fault of the test
 * itself.
 */
/* clang-format off */
__asm__(".globl native_trap\n"
	"native_trap:\n"
	"	pushq $2; popfq\n"
	"	mov %rsp, %rcx\n"
	"	and $-" STR(CTX_STACK_BYTES) ", %rcx\n"
	"	cmpq $0, " STR(CTX_INSIDE) "(%rcx)\n"
	"	je native_stray\n"
	"	movq $0, " STR(CTX_INSIDE) "(%rcx)\n"
	"	mov %ds, " STR(CTX_DATA_SEG) "+0(%rcx)\n"
	"	mov %es, " STR(CTX_DATA_SEG) "+2(%rcx)\n"
	"	mov %fs, " STR(CTX_DATA_SEG) "+4(%rcx)\n"
	"	mov %gs, " STR(CTX_DATA_SEG) "+6(%rcx)\n"
	"	mov %rcx, %rbx\n"
	"	mov %edi, %r12d\n"
	"	mov %rdx, %r13\n"
	"	xor %eax, %eax\n"
	"	mov %eax, %ds; mov %eax, %es; mov %eax, %fs; mov %eax, %gs\n"
	"	mov $" STR(__NR_arch_prctl) ", %eax\n"
	"	mov $" STR(ARCH_SET_FS) ", %edi\n"
	"	mov " STR(CTX_FS_BASE) "(%rbx), %rsi\n"
	"	syscall\n"
	"	mov %rbx, %rdi\n"
	"	mov %r12d, %esi\n"
	"	mov %r13, %rdx\n"
	"	sub $8, %rsp\n"
	"	call native_collect\n"
	"	mov " STR(CTX_RSP) "(%rbx), %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n");
/* clang-format on */

/* Let the fault happen again, without a handler. */
void native_stray(int sig)
{
	signal(sig, SIG_DFL);
}

void native_collect(struct native *n, int sig, const ucontext_t *uc)
{
	static const uint8_t greg_of[X86_GPRS] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX,
						   REG_RSP, REG_RBP, REG_RSI, REG_RDI };
	const greg_t *g = uc->uc_mcontext.gregs;
	struct outcome *o = &n->out;

	for (unsigned r = 0; r < X86_GPRS; r++)
		o->gpr[r] = (uint32_t)g[greg_of[r]];
	o->eip = (uint32_t)g[REG_RIP];
	o->eflags = (uint32_t)g[REG_EFL];
	o->seg[X86_CS] = (uint16_t)g[REG_CSGSFS];
	o->seg[X86_SS] = (uint16_t)(g[REG_CSGSFS] >> 48);
	o->seg[X86_DS] = n->data_seg[0];
	o->seg[X86_ES] = n->data_seg[1];
	o->seg[X86_FS] = n->data_seg[2];
	o->seg[X86_GS] = n->data_seg[3];
	o->vector = sig == SIGSYS ? OUTCOME_SYSCALL : (uint16_t)g[REG_TRAPNO];
	/* The executor's CPU has no NX and no protection keys: bits 0..3 alone mean something. */
	o->error = vector_has_error(o->vector) ? (uint32_t)g[REG_ERR] : 0;
	if (o->vector == VEC_PF)
		o->error &= PF_P | PF_W | PF_U | PF_RSVD;
	o->cr2 = o->vector == VEC_PF ? (uint32_t)g[REG_CR2] : 0;
}

static void *window_host(unsigned w)
{
	return (void *)(uintptr_t)window_table[w].base;
}

static bool map_window(unsigned w)
{
	size_t bytes = window_table[w].pages * PAGE_BYTES;
	void *p = mmap(window_host(w), bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1, 0);

	return p == window_host(w);
}

/* The low window may be missing: sequences that use it then fault, on both sides. */
static bool map_windows(struct native *n)
{
	n->has_low = map_window(WIN_LOW);
	for (unsigned w = WIN_LOW + 1; w < WINDOWS; w++) {
		if (!map_window(w))
			return false;
	}
	return true;
}

static bool window_mapped(const struct native *n, unsigned w)
{
	return w != WIN_LOW || n->has_low;
}

/* A read-only page is there all the same (MAP_POPULATE): only so a write faults with the P bit. */
static void protect_windows(int rights)
{
	for (unsigned w = 0; w < WINDOWS; w++) {
		if (!window_table[w].writable)
			mprotect(window_host(w), window_table[w].pages * PAGE_BYTES, rights);
	}
}

static bool install_ldt(void)
{
	for (unsigned i = 0; i < LDT_ROWS; i++) {
		const struct ldt_row *row = &ldt_table[i];
		struct user_desc d = {
			.entry_number = i,
			.base_addr = row->base,
			.limit = row->limit,
			.seg_32bit = row->db,
			.contents = row->contents & 3u,
			.read_exec_only = row->no_write || row->empty,
			.limit_in_pages = row->pages,
			.seg_not_present = row->not_present || row->empty,
		};

		/* func 0x11: the form in which all fields mean what they say. */
		if ((int)syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)))
			return false;
	}
	return true;
}

/* int 0x80, SYSENTER and SYSCALL of 32-bit code come with the i386 audit architecture: SIGSYS. */
static bool install_filter(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	bool ok = f && !seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP) &&
		  !seccomp_load(f);

	if (f)
		seccomp_release(f);
	return ok;
}

static bool install_handlers(struct native *n)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };
	const stack_t stack = { .ss_sp = (char *)n + PAGE_BYTES,
				.ss_size = CTX_STACK_BYTES - PAGE_BYTES };
	struct sigaction sa = { .sa_sigaction = native_trap,
				.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	if (sigaltstack(&stack, 0))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
		if (sigaction(signals[i], &sa, 0))
			return false;
	}
	return true;
}

/* INT3 and nothing else: does 32-bit code run here at all? */
static bool probe(struct native *n)
{
	struct start_state start = {
		.eip = CODE_BASE,
		.eflags = EFLAGS_FIXED | EFLAGS_IF,
		.seg = { SEL_USER_DATA, SEL_USER_CODE32, SEL_USER_DATA, SEL_USER_DATA },
	};
	struct outcome out;

	*(uint8_t *)window_host(WIN_CODE) = 0xcc;
	start.gpr[X86_ESP] = STACK_BASE + PAGE_BYTES;
	native_run(n, &start, &out);
	return out.vector == VEC_BP && out.eip == CODE_BASE + 1 &&
	       out.seg[X86_CS] == SEL_USER_CODE32;
}

struct native *native_create(const char **why)
{
	char *area = mmap(0, 2 * CTX_STACK_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct native *n;

	*why = "out of memory";
	if (area == MAP_FAILED)
		return 0;
	n = (struct native *)(((uintptr_t)area + CTX_STACK_BYTES - 1) &
			      -(uintptr_t)CTX_STACK_BYTES);
	*why = "the windows' addresses below 4 GiB are taken";
	if (!map_windows(n))
		return 0;
	*why = "signal handlers or system-call filter refused";
	if (syscall(SYS_arch_prctl, ARCH_GET_FS, &n->fs_base) || !install_handlers(n) ||
	    !install_filter())
		return 0;
	protect_windows(PROT_READ | PROT_EXEC);
	n->has_ldt = install_ldt();
	*why = "this kernel does not run 32-bit code (selector 0x23)";
	return probe(n) ? n : 0;
}

void native_run(struct native *n, const struct start_state *start, struct outcome *out)
{
	n->start = *start;
	native_enter(n);
	*out = n->out;
}

void native_load(struct native *n, const uint8_t image[IMAGE_BYTES])
{
	for (unsigned w = 0; w < WINDOWS; w++) {
		const uint8_t *from = image + window_offset(window_table[w].base);
		uint32_t bytes = window_table[w].pages * PAGE_BYTES;

		if (!window_mapped(n, w))
			continue;
		if (window_table[w].writable) {
			memcpy(window_host(w), from, bytes);
		} else if (memcmp(window_host(w), from, bytes)) {
			/* Two system calls; a case seldom patches a read-only window. */
			protect_windows(PROT_READ | PROT_WRITE | PROT_EXEC);
			memcpy(window_host(w), from, bytes);
			protect_windows(PROT_READ | PROT_EXEC);
		}
	}
}

void native_save(const struct native *n, uint8_t image[IMAGE_BYTES])
{
	for (unsigned w = 0; w < WINDOWS; w++) {
		if (window_mapped(n, w))
			memcpy(image + window_offset(window_table[w].base), window_host(w),
			       window_table[w].pages * PAGE_BYTES);
	}
}

bool native_equals(const struct native *n, const uint8_t image[IMAGE_BYTES])
{
	for (unsigned w = 0; w < WINDOWS; w++) {
		if (window_mapped(n, w) &&
		    memcmp(image + window_offset(window_table[w].base), window_host(w),
			   window_table[w].pages * PAGE_BYTES))
			return false;
	}
	return true;
}

bool native_has_low(const struct native *n)
{
	return n->has_low;
}

bool native_has_ldt(const struct native *n)
{
	return n->has_ldt;
}

void native_gdt(const struct native *n, struct native_gdt_row row[NATIVE_GDT_ROWS])
{
	for (uint32_t i = 0; i < NATIVE_GDT_ROWS; i++) {
		uint32_t selector = i << 3 | 3, access = 0, limit = 0;
		bool ok;

		__asm__("lar %2, %1" : "=@ccz"(ok), "+r"(access) : "r"(selector));
		row[i].visible = ok;
		__asm__("lsl %2, %1" : "=@ccz"(ok), "+r"(limit) : "r"(selector));
		row[i].visible = row[i].visible && ok;
		row[i].access = access;
		row[i].limit = limit;
	}
}

unsigned native_foreign(const struct native *n, struct native_range *out, unsigned max)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned count = 0;
	char line[512];

	while (f && count < max && fgets(line, sizeof(line), f)) {
		struct native_range r;

		if (sscanf(line, "%lx-%lx", &r.start, &r.end) != 2 || r.start >> 32)
			continue;
		if (window_offset((uint32_t)r.start) < 0)
			out[count++] = r;
	}
	if (f)
		fclose(f);
	return count;
}
