/* SPDX-License-Identifier: MIT */
/*
 * The routines of user_code.S, which run at ring 3. Input comes in EAX and EDX. Each ends with the
 * trap it is about or, if that does not come, with PROBE_EXIT, results in EBX, ECX and so on.
 */
#ifndef TESTS_USER_CODE_H
#define TESTS_USER_CODE_H

/* What user_call_far has on its stack, the first one on top. */
#define USER_PARAM0 0x11112222
#define USER_PARAM1 0x33334444

#define USER_INT_GATE 0x90	  /* vector of user_int_gate */
#define USER_UNTOUCHED 0xdeadbeef /* result of user_lar and user_lsl that found nothing */

#ifndef __ASSEMBLER__
/* Does nothing but exit. */
extern const char user_exit[];

/* Memory accesses at the address EAX. */
extern const char user_read[], user_write[], user_fetch[];

/* A system call with number EAX; its result in EBX, and 1 to 4 in ECX, ESI, EDI, EBP before it. */
extern const char user_syscall[];

/* INT3, then exit with EBX = 1. */
extern const char user_int3[];

/* INT 0x20: an interrupt gate with DPL 0. */
extern const char user_int_irq_gate[];

/* Tries to clear IF by POPF; EFLAGS afterwards in EBX. */
extern const char user_popf[];

/* Loads DS with the selector in EAX. */
extern const char user_load_ds[];

/* Spins until the word at EAX is no longer EDX. */
extern const char user_spin[];

/*
 * Far call to EDX:EAX with USER_PARAM0 and USER_PARAM1 on the stack; at its return address
 * user_call_far_return ESP is in EBX and SS in ECX.
 */
extern const char user_call_far[], user_call_far_return[];

/* Bytes of the stack that it uses below its start: a far pointer and the parameters. */
#define USER_CALL_FAR_STACK 16

/* Far jump, far RET and IRET (with IF clear in the image) to EDX:EAX, without change of level. */
extern const char user_jump_far[], user_lret[], user_iret[];

/* CS in ESI, then far RET. */
extern const char user_far_procedure[];

/* EFLAGS in EBX; DS and ES in EBX and ECX. */
extern const char user_see_flags[], user_see_segments[];

/* INT USER_INT_GATE; its return address. */
extern const char user_int_gate[], user_int_gate_return[];

/* OUT of AL to the port in EDX, IN of it to EBX. */
extern const char user_outb_inb[];

/* One IN or OUT at the port in EDX. */
extern const char user_inb[], user_outb[], user_inw[], user_inl[];

/* Four bytes from or to the port in EDX, memory at EAX. */
extern const char user_rep_insb[], user_rep_outsb[];

/* Of the selector in EAX: result in EBX, ZF in CL. */
extern const char user_lar[], user_lsl[], user_verr[], user_verw[];

/* One privileged instruction each. */
extern const char user_cli[], user_sti[], user_hlt[], user_in[], user_out[], user_read_cr0[],
	user_write_cr3[], user_clts[], user_lgdt[], user_lidt[], user_lldt[], user_ltr[],
	user_lmsw[], user_invlpg[], user_rdmsr[], user_wbinvd[];
#endif

#endif
