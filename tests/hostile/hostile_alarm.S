/* SPDX-License-Identifier: MIT */
/*
 * An alarm of the RTC every midnight, and HLT in between: each turn is a day of virtual time and a
 * few instructions. Virtual time must not run over.
 */
#include "tiny.h"

	.globl tiny_main
tiny_main:
	PORT_WRITE 0xfb, (PORT_PIC1 + 1)	/* the second PIC */
	PORT_WRITE 0xfe, (PORT_PIC2 + 1)	/* IRQ 8 */
	GATE TINY_IRQ8, alarm
	RTC_WRITE 0x01, 0x00		/* seconds, minutes, hours */
	RTC_WRITE 0x03, 0x00
	RTC_WRITE 0x05, 0x00
	RTC_WRITE 0x0b, 0x22		/* alarm interrupt, 24 hours */
	RTC_READ 0x0c
1:	sti
	hlt
	jmp 1b

alarm:
	RTC_READ 0x0c
	PORT_WRITE 0x20, PORT_PIC2
	PORT_WRITE 0x20, PORT_PIC1
	iret

	.section .note.GNU-stack, "", @progbits
