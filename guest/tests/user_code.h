/* SPDX-License-Identifier: MIT */
/*
 * The routines of user_code.S, which run at ring 3. Input comes in EAX and EDX. Each ends with the
 * trap it is about or, if that does not come, with PROBE_EXIT, results in EBX, ECX and so on.
 */
#ifndef TESTS_USER_CODE_H
#define TESTS_USER_CODE_H

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

/* One privileged instruction each. */
extern const char user_cli[], user_sti[], user_hlt[], user_in[], user_out[], user_read_cr0[],
	user_write_cr3[], user_clts[], user_lgdt[], user_lidt[], user_lldt[], user_ltr[],
	user_lmsw[], user_invlpg[], user_rdmsr[], user_wbinvd[];

#endif
