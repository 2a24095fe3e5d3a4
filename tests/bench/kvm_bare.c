// SPDX-License-Identifier: MIT
/*
 * kvm_bare IMAGE COUNT: the least that runs a bench image on /dev/kvm, to compare vmm with: one
 * memory slot, one vCPU, KVM_RUN in a loop, and of the devices what these images touch. The image
 * (ELF, multiboot) gets n=COUNT. Exit status: what the guest writes to 0xf4, or 102 with a line.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_BYTES (16u << 20)
#define INFO 0x1000u /* multiboot information, and the command line behind it */
#define CMDLINE 0x1100u
#define INFO_CMDLINE 4u
#define BOOT_MAGIC 0x2badb002u
#define TSS_ADDRESS 0xfffbd000u

#define PIC_COMMAND 0x20u
#define PIC_DATA 0x21u
#define UART 0x3f8u
#define UART_IER 0x3f9u
#define UART_IIR 0x3fau
#define UART_LSR 0x3fdu
#define LSR_EMPTY 0x60u
#define IER_THRI 0x02u
#define IIR_NONE 0x01u
#define IIR_THRI 0x02u
#define UART_IRQ 4u
#define DEBUG_EXIT 0xf4u

struct vm {
	int vcpu;
	struct kvm_run *run;
	uint8_t ier, vector;
	bool words_next; /* ICW2 comes */
	bool empty;	 /* the transmitter's interrupt is asked for and not yet taken */
	bool served;	 /* taken, and no EOI yet */
};

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "kvm_bare: %s: %s\n", what, strerror(errno));
	exit(102);
}

/* --- the devices, as far as the bench images need them ---------------------------------------- */

static void port_write(struct vm *m, uint16_t port, uint8_t value)
{
	switch (port) {
	case DEBUG_EXIT:
		exit(value);
	case UART:
		if (!(m->ier & IER_THRI))
			putchar(value);
		break;
	case UART_IER:
		m->empty = value & ~m->ier & IER_THRI;
		m->ier = value;
		break;
	case PIC_COMMAND:
		m->words_next = value & 0x10;
		m->served &= m->words_next;
		break;
	case PIC_DATA:
		if (m->words_next)
			m->vector = (uint8_t)(value + UART_IRQ);
		m->words_next = false;
		break;
	}
}

static uint8_t port_read(struct vm *m, uint16_t port)
{
	bool empty = m->empty;

	switch (port) {
	case UART_LSR:
		return LSR_EMPTY;
	case UART_IIR:
		m->empty = false;
		return empty ? IIR_THRI : IIR_NONE;
	default:
		return 0xff;
	}
}

static void exit_io(struct vm *m)
{
	uint8_t *data = (uint8_t *)m->run + m->run->io.data_offset;

	for (uint32_t n = 0; n < m->run->io.count; n++, data += m->run->io.size)
		if (m->run->io.direction == KVM_EXIT_IO_OUT)
			port_write(m, m->run->io.port, *data);
		else
			memset(data, port_read(m, m->run->io.port), m->run->io.size);
}

static void interrupt(struct vm *m)
{
	struct kvm_interrupt irq = { .irq = m->vector };
	bool pending = m->empty && !m->served;

	if (pending && m->run->ready_for_interrupt_injection) {
		check(ioctl(m->vcpu, KVM_INTERRUPT, &irq) == 0, "KVM_INTERRUPT");
		m->served = true;
		pending = false;
	}
	m->run->request_interrupt_window = pending;
}

static int run(struct vm *m)
{
	for (;;) {
		interrupt(m);
		check(ioctl(m->vcpu, KVM_RUN, 0) == 0 || errno == EINTR, "KVM_RUN");
		switch (m->run->exit_reason) {
		case KVM_EXIT_IO:
			exit_io(m);
			break;
		case KVM_EXIT_MMIO:
			memset(m->run->mmio.data, 0xff, sizeof(m->run->mmio.data));
			break;
		case KVM_EXIT_IRQ_WINDOW_OPEN:
			break;
		default:
			fprintf(stderr, "kvm_bare: exit reason %u\n", m->run->exit_reason);
			return 102;
		}
	}
}

/* --- building --------------------------------------------------------------------------------- */

/* The segments of the image go where they say; returns the entry. */
static uint32_t load(uint8_t *ram, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf32_Ehdr head;
	Elf32_Phdr part;

	check(fd >= 0 && read(fd, &head, sizeof(head)) == sizeof(head), path);
	for (unsigned n = 0; n < head.e_phnum; n++) {
		off_t at = (off_t)(head.e_phoff + n * sizeof(part));

		check(pread(fd, &part, sizeof(part), at) == sizeof(part), path);
		if (part.p_type != PT_LOAD)
			continue;
		check(part.p_paddr < RAM_BYTES && part.p_memsz < RAM_BYTES - part.p_paddr, path);
		check(pread(fd, ram + part.p_paddr, part.p_filesz, (off_t)part.p_offset) ==
			      (ssize_t)part.p_filesz,
		      path);
	}
	close(fd);
	return head.e_entry;
}

static void set_registers(int vcpu, uint32_t entry)
{
	struct kvm_segment code = { .limit = 0xffffffff,
				    .selector = 8,
				    .type = 11,
				    .present = 1,
				    .db = 1,
				    .s = 1,
				    .g = 1 };
	struct kvm_segment data = code;
	struct kvm_regs r = { .rip = entry, .rflags = 2, .rax = BOOT_MAGIC, .rbx = INFO };
	struct kvm_sregs s;

	check(ioctl(vcpu, KVM_GET_SREGS, &s) == 0, "KVM_GET_SREGS");
	data.type = 3;
	data.selector = 16;
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr0 = 0x11;
	check(ioctl(vcpu, KVM_SET_SREGS, &s) == 0, "KVM_SET_SREGS");
	check(ioctl(vcpu, KVM_SET_REGS, &r) == 0, "KVM_SET_REGS");
}

static void set_cpuid(int dev, int vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[100];
	} cpuid = { .head.nent = 100 };

	check(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &cpuid.head) == 0, "KVM_GET_SUPPORTED_CPUID");
	check(ioctl(vcpu, KVM_SET_CPUID2, &cpuid.head) == 0, "KVM_SET_CPUID2");
}

int main(int argc, char **argv)
{
	struct kvm_userspace_memory_region slot = { .memory_size = RAM_BYTES };
	uint32_t info[5] = { [0] = INFO_CMDLINE, [4] = CMDLINE };
	int dev, vm, bytes;
	struct vm m = { 0 };
	uint8_t *ram;

	if (argc != 3) {
		fprintf(stderr, "usage: kvm_bare IMAGE COUNT\n");
		return 102;
	}
	dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	check(dev >= 0, "/dev/kvm");
	vm = ioctl(dev, KVM_CREATE_VM, 0);
	check(vm >= 0, "KVM_CREATE_VM");
	ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(ram != MAP_FAILED, "RAM");
	slot.userspace_addr = (uintptr_t)ram;
	check(ioctl(vm, KVM_SET_TSS_ADDR, TSS_ADDRESS) == 0, "KVM_SET_TSS_ADDR");
	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) == 0, "KVM_SET_USER_MEMORY_REGION");
	m.vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	bytes = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	check(m.vcpu >= 0 && bytes > 0, "KVM_CREATE_VCPU");
	m.run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu, 0);
	check(m.run != MAP_FAILED, "vCPU");
	set_cpuid(dev, m.vcpu);
	memcpy(ram + INFO, info, sizeof(info));
	snprintf((char *)ram + CMDLINE, 64, "bare n=%d", atoi(argv[2]));
	set_registers(m.vcpu, load(ram, argv[1]));
	return run(&m);
}
