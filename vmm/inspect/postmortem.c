// SPDX-License-Identifier: MIT
#include "inspect/postmortem.h"

#include <stdlib.h>
#include <string.h>

#include "mmu/walk.h"
#include "x86/disasm.h"

#define CODE_BEFORE 6u	 /* instructions shown before EIP */
#define CODE_AFTER 6u	 /* and after it */
#define CODE_REACH 4096u /* bytes decoded at most to find where instructions before EIP start */
#define CODE_BYTES 8u	 /* columns for an instruction's bytes; a longer one pushes its text */
#define INSN_BYTES 15u	 /* longest instruction (Intel SDM vol. 2, 2.3.11) */
#define STACK_WORDS 16u
#define FRAMES_MAX 24u

/* One post-mortem being written. */
struct view {
	const struct postmortem *pm;
	const struct x86_state *state;
	struct walk_source source;
	struct walk_paging paging;
	FILE *out;
};

struct bit_name {
	uint32_t bit;
	const char *name;
};

/* --- reading the guest ------------------------------------------------------------------------ */

static bool table_entry_read(void *ctx, gpa_t gpa, unsigned size, uint64_t *value)
{
	const struct ram *ram = ctx;
	const void *at = ram_span(ram, gpa, size);

	*value = 0;
	if (at)
		memcpy(value, at, size);
	return at;
}

/* Bytes at a linear address: as many of `len` as are mapped to RAM. */
static size_t linear_read(const struct view *v, gva_t lin, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t part = PAGE_BYTES - (lin & PAGE_OFFSET_MASK);
		struct walk_result walk;
		const void *at;

		if (part > len - done)
			part = len - done;
		if (!walk_look(&v->source, &v->paging, lin, &walk))
			break;
		at = ram_span(v->pm->ram, walk.gpa, part);
		if (!at)
			break;
		memcpy((char *)buf + done, at, part);
		done += part;
		lin += (gva_t)part;
	}
	return done;
}

static bool word_read(const struct view *v, gva_t lin, uint32_t *word)
{
	return linear_read(v, lin, word, sizeof(*word)) == sizeof(*word);
}

/* --- small pieces of text --------------------------------------------------------------------- */

static void heading(const struct view *v, const char *text)
{
	fprintf(v->out, v->pm->colour ? "  \033[1m%s\033[0m\n" : "  %s\n", text);
}

/* " (name+0x12 at file.c:3)", or nothing. */
static void place_print(const struct view *v, gva_t addr)
{
	char text[SYMBOL_TEXT_BYTES];

	symbols_format(v->pm->symbols, addr, text);
	if (text[0])
		fprintf(v->out, " (%s)", text);
}

static void bits_print(const struct view *v, const struct bit_name *names, unsigned count,
		       uint32_t value)
{
	const char *gap = "";

	fputs(" [", v->out);
	for (unsigned i = 0; i < count; i++)
		if (value & names[i].bit) {
			fprintf(v->out, "%s%s", gap, names[i].name);
			gap = " ";
		}
	fputs("]", v->out);
}

/* --- the chain of exceptions ------------------------------------------------------------------ */

static const char *const vector_names[32] = {
	[VEC_DE] = "#DE", [VEC_DB] = "#DB", [VEC_NMI] = "NMI", [VEC_BP] = "#BP", [VEC_OF] = "#OF",
	[VEC_BR] = "#BR", [VEC_UD] = "#UD", [VEC_NM] = "#NM",  [VEC_DF] = "#DF", [VEC_TS] = "#TS",
	[VEC_NP] = "#NP", [VEC_SS] = "#SS", [VEC_GP] = "#GP",  [VEC_PF] = "#PF", [VEC_MF] = "#MF",
	[VEC_AC] = "#AC", [VEC_MC] = "#MC", [VEC_XM] = "#XM",
};

/* A page fault's error code (Intel SDM vol. 3, 4.7). */
static void page_fault_print(const struct view *v, const struct x86_fault_record *r)
{
	fprintf(v->out, " (%s, %s, %s%s), CR2 %08x", r->error & PF_W ? "write" : "read or fetch",
		r->error & PF_P ? "not allowed" : "not present",
		r->error & PF_U ? "user" : "supervisor",
		r->error & PF_RSVD ? ", reserved bit set" : "", r->cr2);
}

/* An error code that names a selector (Intel SDM vol. 3, 6.13). */
static void selector_error_print(const struct view *v, uint32_t error)
{
	const char *external = error & 1 ? ", external" : "";

	if (error & 2)
		fprintf(v->out, " (IDT gate %u%s)", error >> 3 & 0x1fff, external);
	else if (error & 0xfffc)
		fprintf(v->out, " (selector %04x in the %s%s)", error & 0xfffc,
			error & 4 ? "LDT" : "GDT", external);
}

static void fault_print(const struct view *v, const struct x86_fault_record *r, bool nested)
{
	const char *name = r->vector < 32 ? vector_names[r->vector] : NULL;

	fputs(nested ? "    -> " : "    ", v->out);
	if (name)
		fputs(name, v->out);
	else
		fprintf(v->out, "INT %02x", r->vector);
	fprintf(v->out, " at %04x:%08x", r->cs, r->eip);
	place_print(v, r->eip);
	if (r->has_error)
		fprintf(v->out, ", error %x", r->error);
	if (r->vector == VEC_PF)
		page_fault_print(v, r);
	else if (r->has_error)
		selector_error_print(v, r->error);
	fprintf(v->out, ", instruction %llu%s\n", (unsigned long long)r->icount,
		r->delivered ? ", handler entered" : "");
}

/* An exception whose handler could not be entered raised the next one in the log. */
static void faults_print(const struct view *v)
{
	const struct x86_fault_log *log = v->pm->faults;
	uint64_t first = log && log->next > X86_FAULT_LOG ? log->next - X86_FAULT_LOG : 0;
	bool nested = false;

	if (!log)
		heading(v, "exceptions: this engine does not see them");
	if (!log || !log->next)
		return;
	heading(v, "exceptions, oldest first");
	if (first)
		fprintf(v->out, "    (%llu before these)\n", (unsigned long long)first);
	for (uint64_t i = first; i < log->next; i++) {
		const struct x86_fault_record *r = &log->record[i % X86_FAULT_LOG];

		fault_print(v, r, nested);
		nested = !r->delivered;
	}
	if (v->pm->triple)
		fputs("    -> triple fault\n", v->out);
}

/* Is there a page fault among the exceptions, so that CR2 tells something? */
static bool cr2_matters(const struct view *v)
{
	const struct x86_fault_log *log = v->pm->faults;

	if (!log)
		return v->state->cr2;
	for (uint64_t i = 0; i < log->next && i < X86_FAULT_LOG; i++)
		if (log->record[i].vector == VEC_PF)
			return true;
	return false;
}

/* --- registers -------------------------------------------------------------------------------- */

static const struct bit_name eflags_names[] = {
	{ EFLAGS_ID, "ID" }, { EFLAGS_VIP, "VIP" }, { EFLAGS_VIF, "VIF" }, { EFLAGS_AC, "AC" },
	{ EFLAGS_VM, "VM" }, { EFLAGS_RF, "RF" },   { EFLAGS_NT, "NT" },   { EFLAGS_OF, "OF" },
	{ EFLAGS_DF, "DF" }, { EFLAGS_IF, "IF" },   { EFLAGS_TF, "TF" },   { EFLAGS_SF, "SF" },
	{ EFLAGS_ZF, "ZF" }, { EFLAGS_AF, "AF" },   { EFLAGS_PF, "PF" },   { EFLAGS_CF, "CF" },
};

static const struct bit_name cr0_names[] = {
	{ CR0_PG, "PG" }, { CR0_CD, "CD" }, { CR0_NW, "NW" }, { CR0_AM, "AM" },
	{ CR0_WP, "WP" }, { CR0_NE, "NE" }, { CR0_ET, "ET" }, { CR0_TS, "TS" },
	{ CR0_EM, "EM" }, { CR0_MP, "MP" }, { CR0_PE, "PE" },
};

static const struct bit_name cr4_names[] = {
	{ CR4_PGE, "PGE" }, { CR4_MCE, "MCE" }, { CR4_PAE, "PAE" },
	{ CR4_PSE, "PSE" }, { CR4_DE, "DE" },	{ CR4_TSD, "TSD" },
};

static void registers_print(const struct view *v)
{
	const uint32_t *g = v->state->gpr;

	heading(v, "registers");
	fprintf(v->out, "    EAX %08x  EBX %08x  ECX %08x  EDX %08x\n", g[X86_EAX], g[X86_EBX],
		g[X86_ECX], g[X86_EDX]);
	fprintf(v->out, "    ESI %08x  EDI %08x  EBP %08x  ESP %08x\n", g[X86_ESI], g[X86_EDI],
		g[X86_EBP], g[X86_ESP]);
	fprintf(v->out, "    EIP %08x", v->state->eip);
	place_print(v, v->state->eip);
	fprintf(v->out, "\n    EFLAGS %08x", v->state->eflags);
	bits_print(v, eflags_names, ARRAY_SIZE(eflags_names), v->state->eflags);
	fprintf(v->out, " IOPL %u, CPL %u%s\n", v->state->eflags >> 12 & 3, v->state->cpl,
		v->state->halted ? ", halted" : "");
}

/* Type of a system descriptor in TR or LDTR (Intel SDM vol. 3, table 3-2). */
static const char *system_type_name(unsigned type)
{
	static const char *const names[16] = {
		[SYS_TSS16] = "16-bit TSS",
		[SYS_TSS16_BUSY] = "16-bit TSS, busy",
		[SYS_LDT] = "LDT",
		[SYS_TSS32] = "32-bit TSS",
		[SYS_TSS32_BUSY] = "32-bit TSS, busy",
	};

	return names[type] ? names[type] : "not a TSS or LDT";
}

/* Attributes in words (Intel SDM vol. 3, table 3-1). */
static void attributes_print(const struct view *v, uint16_t attr)
{
	const char *bits = attr & SEG_DB ? "32-bit" : "16-bit";

	if (!(attr & SEG_P))
		fputs("unusable\n", v->out);
	else if (!(attr & SEG_S))
		fprintf(v->out, "%s, DPL %u\n", system_type_name(attr & SEG_TYPE), SEG_DPL(attr));
	else if (attr & SEG_CODE)
		fprintf(v->out, "%s code, %s%s, DPL %u\n", bits,
			attr & SEG_WRITE ? "readable" : "execute-only",
			attr & SEG_EXPDOWN ? ", conforming" : "", SEG_DPL(attr));
	else
		fprintf(v->out, "%s data, %s%s, DPL %u\n", bits,
			attr & SEG_WRITE ? "writable" : "read-only",
			attr & SEG_EXPDOWN ? ", expand-down" : "", SEG_DPL(attr));
}

static void segments_print(const struct view *v)
{
	static const struct {
		const char *name;
		enum x86_sreg sreg;
	} order[] = {
		{ "CS", X86_CS }, { "SS", X86_SS }, { "DS", X86_DS }, { "ES", X86_ES },
		{ "FS", X86_FS }, { "GS", X86_GS }, { "TR", X86_TR }, { "LDTR", X86_LDTR },
	};

	heading(v, "segments");
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		const struct x86_segment *s = &v->state->seg[order[i].sreg];

		fprintf(v->out, "    %-4s %04x  base %08x  limit %08x  ", order[i].name,
			s->selector, s->base, s->limit);
		attributes_print(v, s->attr);
	}
	fprintf(v->out, "    GDT        base %08x  limit %04x\n", v->state->gdtr.base,
		v->state->gdtr.limit);
	fprintf(v->out, "    IDT        base %08x  limit %04x\n", v->state->idtr.base,
		v->state->idtr.limit);
}

static void control_print(const struct view *v)
{
	const struct x86_state *s = v->state;

	heading(v, "control");
	fprintf(v->out, "    CR0 %08x", s->cr0);
	bits_print(v, cr0_names, ARRAY_SIZE(cr0_names), s->cr0);
	fprintf(v->out, "\n    CR2 %08x  CR3 %08x\n    CR4 %08x", s->cr2, s->cr3, s->cr4);
	bits_print(v, cr4_names, ARRAY_SIZE(cr4_names), s->cr4);
	fprintf(v->out, "\n    DR6 %08x  DR7 %08x\n", s->dr[6], s->dr[7]);
}

/* --- code ------------------------------------------------------------------------------------- */

struct code_line {
	uint8_t bytes[INSN_BYTES];
	size_t got;   /* bytes that could be read */
	unsigned len; /* 0: not an instruction, or cut off */
	char text[128];
};

/* CS.D chooses the default sizes (Intel SDM vol. 3, 3.4.5). */
static void code_decode(const struct view *v, uint32_t eip, struct code_line *line)
{
	const struct x86_segment *cs = &v->state->seg[X86_CS];

	line->len = 0;
	line->got = linear_read(v, cs->base + eip, line->bytes, INSN_BYTES);
	if (line->got)
		line->len = disasm_bytes(line->bytes, line->got, eip, cs->attr & SEG_DB, line->text,
					 sizeof(line->text));
	else
		snprintf(line->text, sizeof(line->text), "(no memory there)");
}

/* The first number of an instruction that is the address of something. */
static void target_print(const struct view *v, const char *text)
{
	struct symbol_hit hit;

	for (const char *p = strstr(text, "0x"); p; p = strstr(p + 2, "0x"))
		if (symbols_find(v->pm->symbols, (gva_t)strtoul(p, NULL, 16), &hit)) {
			fprintf(v->out, hit.offset ? "  ; %s+%#x" : "  ; %s", hit.name, hit.offset);
			return;
		}
}

/* One line; returns the EIP after it, or the same one where no more can be shown. */
static uint32_t code_line_print(const struct view *v, uint32_t eip)
{
	bool here = eip == v->state->eip;
	struct code_line line;
	size_t shown;

	code_decode(v, eip, &line);
	shown = line.len ? line.len : line.got < CODE_BYTES ? line.got : CODE_BYTES;
	fprintf(v->out, "  %s%s %08x ", here && v->pm->colour ? "\033[1;33m" : "",
		here ? "=>" : "  ", eip);
	for (size_t i = 0; i < shown; i++)
		fprintf(v->out, " %02x", line.bytes[i]);
	fprintf(v->out, "%*s%s", shown < CODE_BYTES ? (int)(CODE_BYTES - shown) * 3 + 2 : 2, "",
		line.text);
	if (line.len)
		target_print(v, line.text);
	fputs(here && v->pm->colour ? "\033[0m\n" : "\n", v->out);
	return eip + line.len;
}

/*
 * Instructions have no way back, so that the ones before EIP are found by decoding from the start
 * of the function. Returns the EIP to start the listing at: EIP itself if that leads nowhere.
 */
static uint32_t code_start(const struct view *v)
{
	uint32_t eip = v->state->eip, ring[CODE_BEFORE];
	struct symbol_hit hit;
	struct code_line line;
	unsigned n = 0;
	uint32_t at;

	if (!symbols_find(v->pm->symbols, eip, &hit) || hit.offset > CODE_REACH)
		return eip;
	for (at = hit.start; at - hit.start < hit.offset; at += line.len) {
		ring[n++ % CODE_BEFORE] = at;
		code_decode(v, at, &line);
		if (!line.len)
			return eip;
	}
	if (at != eip || !n)
		return eip;
	return n < CODE_BEFORE ? ring[0] : ring[n % CODE_BEFORE];
}

static void code_print(const struct view *v)
{
	unsigned after = 0; /* lines from EIP on */
	uint32_t eip, next;

	heading(v, "code");
	for (eip = code_start(v); after <= CODE_AFTER; eip = next) {
		after += eip == v->state->eip || after;
		next = code_line_print(v, eip);
		if (next == eip)
			break;
	}
}

/* --- memory ----------------------------------------------------------------------------------- */

static void walk_print(const struct view *v, const char *what, gva_t lin)
{
	struct walk_result walk;
	char text[160];
	bool present = walk_look(&v->source, &v->paging, lin, &walk);
	const char *where = ram_span(v->pm->ram, walk.gpa, 1) ? "" : " (not RAM)";

	snprintf(text, sizeof(text), "page walk of %s %08x", what, lin);
	heading(v, text);
	if (v->paging.format == WALK_NONE) {
		fprintf(v->out, "    paging is off%s\n", where);
		return;
	}
	for (unsigned i = 0; i < walk.steps; i++) {
		walk_format_step(&v->paging, &walk.step[i], text, sizeof(text));
		fprintf(v->out, "    %s\n", text);
	}
	if (present)
		fprintf(v->out, "    physical %08llx%s, %s, %s\n", (unsigned long long)walk.gpa,
			where, walk.rights & MAP_W ? "writable" : "read-only",
			walk.rights & MAP_U ? "user" : "supervisor");
	else
		fputs("    no translation\n", v->out);
}

/* The stack as its instructions see it: SS.B chooses ESP or SP (Intel SDM vol. 3, 3.4.5). */
static gva_t stack_linear(const struct view *v, uint32_t offset)
{
	const struct x86_segment *ss = &v->state->seg[X86_SS];

	return ss->base + (ss->attr & SEG_DB ? offset : offset & 0xffff);
}

static void stack_print(const struct view *v)
{
	uint32_t esp = v->state->gpr[X86_ESP];
	char text[SYMBOL_TEXT_BYTES];
	struct symbol_hit hit;

	heading(v, "stack");
	for (unsigned i = 0; i < STACK_WORDS; i++) {
		uint32_t at = esp + i * 4, word;

		if (!word_read(v, stack_linear(v, at), &word)) {
			fprintf(v->out, "    %08x  (no memory there)\n", at);
			return;
		}
		text[0] = 0;
		/* The start of a function is a pointer to it, any other place a return address. */
		if (symbols_is_code(v->pm->symbols, word)) {
			if (symbols_find(v->pm->symbols, word, &hit) && !hit.offset)
				symbols_format(v->pm->symbols, word, text);
			else
				symbols_format_return(v->pm->symbols, word, text);
		}
		fprintf(v->out, "    %08x  %08x%s%s\n", at, word, text[0] ? "  " : "", text);
	}
}

static void frame_print(const struct view *v, unsigned n, uint32_t eip, const char *text)
{
	fprintf(v->out, "    #%-2u %08x%s%s\n", n, eip, text[0] ? "  " : "", text);
}

/*
 * By the chain of saved EBPs, as long as it goes up the stack, which it must in code that keeps
 * frame pointers.
 */
static void backtrace_print(const struct view *v)
{
	uint32_t ebp = v->state->gpr[X86_EBP];
	char text[SYMBOL_TEXT_BYTES];

	heading(v, "backtrace by EBP");
	symbols_format(v->pm->symbols, v->state->eip, text);
	frame_print(v, 0, v->state->eip, text);
	for (unsigned n = 1; n < FRAMES_MAX; n++) {
		uint32_t above, from;

		if (ebp & 3 || !ebp || !word_read(v, stack_linear(v, ebp), &above) ||
		    !word_read(v, stack_linear(v, ebp + 4), &from) || !from)
			return;
		symbols_format_return(v->pm->symbols, from, text);
		frame_print(v, n, from, text);
		if (above <= ebp)
			return;
		ebp = above;
	}
	fputs("    ...\n", v->out);
}

/* ---------------------------------------------------------------------------------------------- */

void postmortem_write(const struct postmortem *pm, FILE *out)
{
	union {
		const struct ram *ram;
		void *ctx;
	} memory = { .ram = pm->ram }; /* the walker's ctx is not const, and only read here */
	struct view v = {
		.pm = pm,
		.state = pm->state,
		.source = { .ctx = memory.ctx, .read = table_entry_read },
		.paging = walk_paging_of(pm->state),
		.out = out,
	};

	fprintf(out, pm->colour ? "\033[1;31mvmm: %s\033[0m\n" : "vmm: %s\n", pm->reason);
	if (pm->caveat)
		fprintf(out, "  note: %s\n", pm->caveat);
	faults_print(&v);
	registers_print(&v);
	segments_print(&v);
	control_print(&v);
	code_print(&v);
	if (cr2_matters(&v))
		walk_print(&v, "CR2", pm->state->cr2);
	walk_print(&v, "EIP", pm->state->seg[X86_CS].base + pm->state->eip);
	stack_print(&v);
	backtrace_print(&v);
}
