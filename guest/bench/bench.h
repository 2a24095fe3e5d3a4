/* SPDX-License-Identifier: MIT */
/*
 * Bench images: small multiboot kernels that run one loop of known length and exit 0.
 *
 * Paging is on, with 4 KiB pages that map the first 4 MiB one to one but for the last two, behind
 * which a local APIC and the first virtio-mmio device are; interrupts are off at the start. Each
 * loop is hand-written assembly, so the number of instructions is exact. Output: the loop's name, a
 * checksum that every correct machine agrees on, and the instructions of the loop. Some loops
 * measure exits to the host and not instructions: there a turn counts as one.
 *
 * Command line: n=COUNT, default 1000, of a million instructions or of a thousand exits; the loop
 * runs whole turns, so that at least this many are reached.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <lib/types.h>

/* One of each in alu.S, mem.S, call.S, and of exits: out.S, mmio.S, irq.S. */
extern const char bench_name[];
extern const u32 bench_turn_insns; /* instructions of one turn; 1 if it counts exits */
extern const u32 bench_unit;	   /* what n= counts: 1000000 instructions, 1000 exits */
u32 bench_loop(u32 turns);	   /* turns >= 1; returns the checksum */

/* The last two pages of the window: a local APIC, and a device. */
#define BENCH_APIC_PAGE 0x3fe
#define BENCH_APIC_PHYSICAL 0xfee00000
#define BENCH_MMIO_PAGE 0x3ff
#define BENCH_MMIO_PHYSICAL 0xfeb00000

/* The buffer of the memory loop; a power of two. */
#define BENCH_BUFFER_BYTES 0x40000
extern u8 bench_buffer[BENCH_BUFFER_BYTES];

/* Called by boot.S. */
void bench_main(u32 boot_magic, u32 multiboot_info) __noreturn;

#endif
