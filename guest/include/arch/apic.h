/* SPDX-License-Identifier: MIT */
/*
 * The local APIC, made transparent.
 *
 * The interrupts of this machine come from the 8259s. vmm's CPU has no local APIC. QEMU's has one,
 * and its microvm firmware leaves it blocking the 8259s, where a PC's firmware leaves it in virtual
 * wire mode (Intel MultiProcessor Specification, 3.6.2.2). Switching it off by IA32_APIC_BASE,
 * which the SDM allows too, does not open the line in QEMU 7.2.
 */
#ifndef ARCH_APIC_H
#define ARCH_APIC_H

/* Lets the 8259s' interrupts through to the CPU. Does nothing if there is no local APIC. */
void apic_enable_virtual_wire(void);

#endif
