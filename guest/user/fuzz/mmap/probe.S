/* SPDX-License-Identifier: MIT */
/*
 * One load and one store that may fault: the handler of probe.c goes on behind them.
 */
	.text
/* uint32_t probe_load(const volatile void *p) */
	.globl probe_load, probe_load_at
	.type probe_load, @function
probe_load:
	movl 4(%esp), %edx
	xorl %eax, %eax
probe_load_at:
	movl (%edx), %eax
	.globl probe_done
probe_done:
	ret
	.size probe_load, . - probe_load

/* void probe_store(volatile void *p, uint32_t value) */
	.globl probe_store, probe_store_at
	.type probe_store, @function
probe_store:
	movl 4(%esp), %edx
	movl 8(%esp), %eax
probe_store_at:
	movl %eax, (%edx)
	ret
	.size probe_store, . - probe_store

	.section .note.GNU-stack, "", @progbits
