/* SPDX-License-Identifier: MIT */
/*
 * A vCPU on a bench: RAM, descriptor tables, and some instructions of machine code, run through the
 * ops table of an engine alone. The tests that use it hold for every engine: unit_tests runs them
 * on engine soft, tests/box/engine_test on the engine that it is told.
 *
 * Every gate leads to a HLT of its own, so that EIP tells which vector came (rig_vector()). The bus
 * writes down each access.
 */
#ifndef TESTS_UNIT_ENGINE_RIG_H
#define TESTS_UNIT_ENGINE_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "machine/ram.h"

#define RIG_RAM_BYTES (16u << 20)
#define RIG_CODE 0x100000u
#define RIG_IDT 0x110000u
#define RIG_GDT 0x120000u
#define RIG_TSS 0x121000u
#define RIG_HANDLERS 0x130000u /* 16 bytes for each vector */
#define RIG_DIRECTORY 0x140000u
#define RIG_TABLE 0x141000u /* maps the first 4 MiB */
#define RIG_DATA 0x150000u
#define RIG_STACK 0x180000u
#define RIG_STACK0 0x190000u /* of the TSS */
#define RIG_VECTOR 0x30u
#define RIG_MMIO 0xfeb00000u

/* Selectors of the rig's GDT. */
#define RIG_CS0 0x08u
#define RIG_DS0 0x10u
#define RIG_CS3 0x1bu
#define RIG_DS3 0x23u
#define RIG_TR 0x28u

enum rig_kind { RIG_IN, RIG_OUT, RIG_MMIO_READ, RIG_MMIO_WRITE };

struct rig_access {
	enum rig_kind kind;
	uint32_t at; /* port or address */
	unsigned size;
	uint32_t value; /* of the bytes moved alone */
};

#define RIG_LOG 64u

struct rig {
	const struct engine_ops *ops;
	struct ram ram;
	struct engine *e;
	struct engine_exit out; /* of the last rig_run() */
	struct x86_state s;	/* the state behind it */
	struct rig_access log[RIG_LOG];
	unsigned accesses; /* also those that the log had no room for */
	/* NULL, or called in each access; may change the value of a read */
	void (*on_access)(struct rig *r, struct rig_access *a);
};

/* The engine under test. Engine soft, unless the program that links the rig sets another. */
extern const struct engine_ops *rig_ops;

/* The paging it is made with: direct and strict, unless the program sets it. */
extern enum engine_mmu rig_mmu;
extern enum shadow_sync rig_sync;

/* Named features of the engine under test; soft has them all. */
bool rig_virtual_time(void);

/* RPL bits that a CS pushed at ring 0 may carry: a deprivileged guest runs at ring 1. */
uint32_t rig_ring1(void);

/* A vCPU at CPL 0, paging off, interrupts off, before the first byte of `code`. */
void rig_begin(struct rig *r, const void *code, uint64_t bytes);
void rig_end(struct rig *r);

/* For code in a string, and for code made by RIG_GUEST(). */
#define RIG_BEGIN(r, code) rig_begin(r, code, sizeof(code) - 1)
#define RIG_BEGIN_GUEST(r, name) rig_begin(r, name, (uint64_t)(name##_end - name))

/* 32-bit machine code from assembler text, as the byte array `name`. */
#define RIG_GUEST(name, text)                                                                      \
	__asm__(".pushsection .rodata\n.code32\n" #name ":\n" text "\n" #name                      \
		"_end:\n.code64\n.popsection");                                                    \
	extern const uint8_t name[] __attribute__((visibility("hidden")));                         \
	extern const uint8_t name##_end[] __attribute__((visibility("hidden")))

/* Write guest RAM as a loader does, and read a word of it. */
void rig_put(struct rig *r, gpa_t at, const void *data, uint64_t bytes);
void rig_put32(struct rig *r, gpa_t at, uint32_t value);
uint32_t rig_get32(struct rig *r, gpa_t at);

/* Make r->s the vCPU's state. */
void rig_set(struct rig *r);

/* Paging on with the first 4 MiB mapped one to one for all; 4 MiB pages allowed. */
void rig_paging_on(struct rig *r);

/* CPL 3, at the code, on RIG_STACK. */
void rig_user(struct rig *r);

/* Run until something happens; a test that goes wrong ends after some seconds by the deadline. */
enum engine_exit_reason rig_run(struct rig *r);

/* Run to `deadline_ns`, in the engine's time. */
enum engine_exit_reason rig_run_to(struct rig *r, uint64_t deadline_ns);

/* The vector whose handler the vCPU halted in, or -1. */
int rig_vector(const struct rig *r);

/* The n-th word above ESP. */
uint32_t rig_stack(struct rig *r, unsigned n);

#endif
