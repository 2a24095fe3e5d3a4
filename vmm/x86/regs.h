/* SPDX-License-Identifier: MIT */
/*
 * Names of the architecture: register numbers, control bits, vectors, and the register file as it
 * is passed between engines, the machine and its inspectors. Nothing here knows how it is executed.
 *
 * Sources: Intel SDM vol. 3, 2.3 (EFLAGS), 2.5 (control registers), 3.4.5 (descriptors),
 * 6.3 (vectors), 17.2 (debug registers).
 */
#ifndef VMM_X86_REGS_H
#define VMM_X86_REGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

enum x86_gpr { X86_EAX, X86_ECX, X86_EDX, X86_EBX, X86_ESP, X86_EBP, X86_ESI, X86_EDI, X86_GPRS };

/* The first six are numbered as in the instruction encoding (Sreg). */
enum x86_sreg { X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_LDTR, X86_TR, X86_SREGS };

#define EFLAGS_CF (1u << 0)
#define EFLAGS_FIXED (1u << 1) /* always reads as one */
#define EFLAGS_PF (1u << 2)
#define EFLAGS_AF (1u << 4)
#define EFLAGS_ZF (1u << 6)
#define EFLAGS_SF (1u << 7)
#define EFLAGS_TF (1u << 8)
#define EFLAGS_IF (1u << 9)
#define EFLAGS_DF (1u << 10)
#define EFLAGS_OF (1u << 11)
#define EFLAGS_IOPL (3u << 12)
#define EFLAGS_NT (1u << 14)
#define EFLAGS_RF (1u << 16)
#define EFLAGS_VM (1u << 17)
#define EFLAGS_AC (1u << 18)
#define EFLAGS_VIF (1u << 19)
#define EFLAGS_VIP (1u << 20)
#define EFLAGS_ID (1u << 21)
#define EFLAGS_ARITH (EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_OF)

#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_ET (1u << 4) /* fixed to one since the 486 */
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_NW (1u << 29)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)
#define CR0_DEFINED                                                                                \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)

#define CR4_TSD (1u << 2)
#define CR4_DE (1u << 3)
#define CR4_PSE (1u << 4)
#define CR4_PAE (1u << 5)
#define CR4_MCE (1u << 6)
#define CR4_PGE (1u << 7)
/* What the machine's CPUID offers (design section 6); any other bit set in CR4 is #GP. */
#define CR4_DEFINED (CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE | CR4_PGE)

#define DR6_FIXED 0xffff0ff0u /* reads as one; B0..B3, BD, BS, BT vary */
#define DR6_BD (1u << 13)
#define DR6_BS (1u << 14)
#define DR7_FIXED 0x00000400u
#define DR7_GD (1u << 13)

enum x86_vector {
	VEC_DE = 0,
	VEC_DB = 1,
	VEC_NMI = 2,
	VEC_BP = 3,
	VEC_OF = 4,
	VEC_BR = 5,
	VEC_UD = 6,
	VEC_NM = 7,
	VEC_DF = 8,
	VEC_TS = 10,
	VEC_NP = 11,
	VEC_SS = 12,
	VEC_GP = 13,
	VEC_PF = 14,
	VEC_MF = 16,
	VEC_AC = 17,
	VEC_MC = 18,
	VEC_XM = 19
};

/* Page-fault error code (SDM vol. 3, 4.7); without NX and SMEP bit 4 is never set. */
#define PF_P (1u << 0) /* the translation existed: a rights violation */
#define PF_W (1u << 1)
#define PF_U (1u << 2)
#define PF_RSVD (1u << 3)

/* 2-level paging-structure entries (SDM vol. 3, table 4-4 to 4-6). */
#define PTE_P (1u << 0)
#define PTE_W (1u << 1)
#define PTE_U (1u << 2)
#define PTE_PWT (1u << 3)
#define PTE_PCD (1u << 4)
#define PTE_A (1u << 5)
#define PTE_D (1u << 6)
#define PTE_PS (1u << 7) /* in a PDE, with CR4.PSE */
#define PTE_G (1u << 8)

/*
 * Segment attributes: bits 8..15 and 20..23 of a descriptor's high word, moved down by 8, so that
 * bits 0..3 are the type, 4 S, 5..6 DPL, 7 P, 12 AVL, 13 L, 14 D/B, 15 G (the layout of VMX and
 * SVM access rights). Limit is in bytes, already scaled by G.
 */
#define SEG_TYPE 0x0fu
#define SEG_ACCESSED 0x01u
#define SEG_WRITE 0x02u	  /* data: writable; code: readable */
#define SEG_EXPDOWN 0x04u /* data: expand-down; code: conforming */
#define SEG_CODE 0x08u
#define SEG_S 0x10u /* code or data; clear: system */
#define SEG_DPL_SHIFT 5
#define SEG_P 0x80u
#define SEG_DB 0x4000u
#define SEG_G 0x8000u
#define SEG_DPL(attr) (((attr) >> SEG_DPL_SHIFT) & 3u)

/* Types of system descriptors (SDM vol. 3, table 3-2). */
#define SYS_TSS16 0x1u
#define SYS_LDT 0x2u
#define SYS_TSS16_BUSY 0x3u
#define SYS_CALL16 0x4u
#define SYS_TASK 0x5u
#define SYS_INT16 0x6u
#define SYS_TSS32 0x9u
#define SYS_TSS32_BUSY 0xbu
#define SYS_CALL32 0xcu
#define SYS_INT32 0xeu
#define SYS_TRAP32 0xfu

struct x86_segment {
	uint16_t selector;
	uint16_t attr; /* SEG_*; 0 without SEG_P: unusable (null) */
	uint32_t base;
	uint32_t limit; /* last byte, G applied */
};

struct x86_table {
	uint32_t base;
	uint16_t limit;
};

/*
 * Everything architectural of one vCPU. Engines read and write it as a whole. A field that an
 * engine cannot know reads as zero.
 */
struct x86_state {
	uint32_t gpr[X86_GPRS];
	uint32_t eip;
	uint32_t eflags;
	struct x86_segment seg[X86_SREGS];
	struct x86_table gdtr;
	struct x86_table idtr;
	uint32_t cr0, cr2, cr3, cr4;
	uint32_t dr[8]; /* 4 and 5 unused */
	uint64_t tsc;
	uint8_t cpl;
	bool halted;	    /* stopped by HLT, waiting for an interrupt */
	bool sti_shadow;    /* interrupts held for one instruction after STI */
	bool mov_ss_shadow; /* interrupts and debug traps held after MOV SS, POP SS */
};

#endif
