// SPDX-License-Identifier: MIT
#include "engine/kvm_host.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/kvm.h"

#define DEVICE "/dev/kvm"
#define API_VERSION 12 /* api.rst 4.1: the only one there ever was */

/* The probe's guest: one page of code, one page directory that maps 4 MiB to itself. */
#define PROBE_CODE 0x1000u
#define PROBE_DIRECTORY 0x2000u
#define PROBE_BYTES 0x4000u
#define PROBE_PORT 0x80u
#define EXIT_SAMPLES 301u

/* mov %eax, %cr0; 1: out %al, $0x80; jmp 1b */
static const uint8_t probe_code[] = { 0x0f, 0x22, 0xc0, 0xe6, PROBE_PORT, 0xeb, 0xfc };

static const struct {
	const char *name;
	int cap;
	bool needed;
} extensions[KVM_EXT_COUNT] = {
	[KVM_EXT_IMMEDIATE_EXIT] = { "KVM_CAP_IMMEDIATE_EXIT", KVM_CAP_IMMEDIATE_EXIT, true },
	[KVM_EXT_USER_MEMORY] = { "KVM_CAP_USER_MEMORY", KVM_CAP_USER_MEMORY, true },
	[KVM_EXT_SYNC_REGS] = { "KVM_CAP_SYNC_REGS", KVM_CAP_SYNC_REGS, false },
	[KVM_EXT_MSR_FILTER] = { "KVM_CAP_X86_MSR_FILTER", KVM_CAP_X86_MSR_FILTER, false },
	[KVM_EXT_USER_SPACE_MSR] = { "KVM_CAP_X86_USER_SPACE_MSR", KVM_CAP_X86_USER_SPACE_MSR,
				     false },
	[KVM_EXT_DEBUGREGS] = { "KVM_CAP_DEBUGREGS", KVM_CAP_DEBUGREGS, false },
};

const char *kvm_extension_name(enum kvm_extension ext)
{
	return extensions[ext].name;
}

bool kvm_extension_needed(enum kvm_extension ext)
{
	return extensions[ext].needed;
}

/* --- a throw-away VM -------------------------------------------------------------------------- */

struct probe_vm {
	int dev, vm, vcpu;
	uint8_t *ram;
	struct kvm_run *run;
	size_t run_bytes;
};

static void probe_close(struct probe_vm *p)
{
	if (p->run && p->run != MAP_FAILED)
		munmap(p->run, p->run_bytes);
	if (p->vcpu >= 0)
		close(p->vcpu);
	if (p->vm >= 0)
		close(p->vm);
	if (p->ram && p->ram != MAP_FAILED)
		munmap(p->ram, PROBE_BYTES);
}

static int probe_registers(const struct probe_vm *p)
{
	struct kvm_segment code = { .limit = 0xffffffff,
				    .selector = 8,
				    .type = 11,
				    .present = 1,
				    .db = 1,
				    .s = 1,
				    .g = 1 };
	struct kvm_segment data = code;
	struct kvm_sregs s;
	struct kvm_regs r = { .rip = PROBE_CODE,
			      .rflags = EFLAGS_FIXED,
			      .rax = CR0_PG | CR0_WP | CR0_ET | CR0_PE };

	if (ioctl(p->vcpu, KVM_GET_SREGS, &s) < 0)
		return -errno;
	data.type = 3;
	data.selector = 16;
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr0 = CR0_PE | CR0_ET;
	s.cr3 = PROBE_DIRECTORY;
	s.cr4 = CR4_PSE;
	s.efer = 0;
	if (ioctl(p->vcpu, KVM_SET_SREGS, &s) < 0 || ioctl(p->vcpu, KVM_SET_REGS, &r) < 0)
		return -errno;
	return 0;
}

static int probe_open(struct probe_vm *p, int dev)
{
	const uint32_t pde = PTE_P | PTE_W | PTE_PS;
	struct kvm_userspace_memory_region slot = { .memory_size = PROBE_BYTES };
	int bytes;

	*p = (struct probe_vm){ .dev = dev, .vm = -1, .vcpu = -1 };
	p->ram =
		mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->ram == MAP_FAILED)
		return -errno;
	memcpy(p->ram + PROBE_CODE, probe_code, sizeof(probe_code));
	memcpy(p->ram + PROBE_DIRECTORY, &pde, sizeof(pde));
	p->vm = ioctl(dev, KVM_CREATE_VM, 0);
	if (p->vm < 0)
		return -errno;
	slot.userspace_addr = (uintptr_t)p->ram;
	if (ioctl(p->vm, KVM_SET_TSS_ADDR, 0xfffbd000) < 0 ||
	    ioctl(p->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return -errno;
	p->vcpu = ioctl(p->vm, KVM_CREATE_VCPU, 0);
	bytes = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (p->vcpu < 0 || bytes < 0)
		return -errno;
	p->run_bytes = (size_t)bytes;
	p->run = mmap(NULL, p->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p->vcpu, 0);
	if (p->run == MAP_FAILED)
		return -errno;
	return probe_registers(p);
}

/* One KVM_RUN to the guest's OUT. */
static bool probe_run(const struct probe_vm *p)
{
	int r;

	if (!p->run)
		return false;
	do
		r = ioctl(p->vcpu, KVM_RUN, 0);
	while (r < 0 && errno == EINTR);
	return r == 0 && p->run->exit_reason == KVM_EXIT_IO && p->run->io.port == PROBE_PORT;
}

/* --- looking ---------------------------------------------------------------------------------- */

static void look_for_vendor(struct kvm_host *h)
{
	static const char *const modules[] = { "kvm_pvm", "kvm_intel", "kvm_amd" };
	char path[64];

	for (size_t n = 0; n < ARRAY_SIZE(modules) && !h->vendor[0]; n++) {
		snprintf(path, sizeof(path), "/sys/module/%s", modules[n]);
		if (!access(path, F_OK))
			snprintf(h->vendor, sizeof(h->vendor), "%s", modules[n]);
	}
}

static void look_at_cpuid(struct kvm_host *h, int dev)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[256];
	} *cpuid = calloc(1, sizeof(*cpuid));

	if (!cpuid)
		return;
	cpuid->head.nent = ARRAY_SIZE(cpuid->entry);
	if (ioctl(dev, KVM_GET_SUPPORTED_CPUID, &cpuid->head) == 0) {
		for (unsigned n = 0; n < cpuid->head.nent; n++) {
			const struct kvm_cpuid_entry2 *e = &cpuid->entry[n];

			if (e->function == 0x80000001)
				h->long_mode = e->edx >> 29 & 1;
			if (e->function == 7 && e->index == 0)
				h->umip = e->ecx >> 2 & 1;
		}
	}
	free(cpuid);
}

/* EACCES comes from the file's mode; EPERM from a container that keeps devices away. */
static void problem_permission(struct kvm_host *h, const struct stat *st, int err)
{
	const bool by_group = st->st_mode & S_IRGRP && st->st_mode & S_IWGRP && st->st_gid;
	const struct group *g = by_group ? getgrgid(st->st_gid) : NULL;
	char group[48];

	if (g)
		snprintf(group, sizeof(group), "%s", g->gr_name);
	else
		snprintf(group, sizeof(group), "%u", (unsigned)st->st_gid);
	if (err == EPERM)
		snprintf(h->problem, sizeof(h->problem),
			 "this container may not open " DEVICE "; start it with that device "
			 "(--device " DEVICE ")");
	else if (by_group)
		snprintf(h->problem, sizeof(h->problem),
			 "no permission on " DEVICE "; its group is %s: have yourself added to it "
			 "(usermod -aG %s) and log in again",
			 group, group);
	else
		snprintf(h->problem, sizeof(h->problem),
			 "no permission on " DEVICE ", which only its owner may open; run as that "
			 "user");
}

static int device_open(struct kvm_host *h)
{
	struct stat st;
	int fd;

	if (stat(DEVICE, &st) < 0) {
		snprintf(h->problem, sizeof(h->problem),
			 "there is no " DEVICE "; load kvm_intel or kvm_amd");
		return -1;
	}
	h->there = true;
	if (!S_ISCHR(st.st_mode)) {
		snprintf(h->problem, sizeof(h->problem),
			 DEVICE " is no device; remove it and load kvm_intel or kvm_amd");
		return -1;
	}
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		problem_permission(h, &st, errno);
	else if (fd < 0)
		snprintf(h->problem, sizeof(h->problem), DEVICE ": %s; load kvm_intel or kvm_amd",
			 strerror(errno));
	h->openable = fd >= 0;
	return fd;
}

static bool extensions_look(struct kvm_host *h, int dev)
{
	for (unsigned n = 0; n < KVM_EXT_COUNT; n++) {
		h->extension[n] = ioctl(dev, KVM_CHECK_EXTENSION, extensions[n].cap) > 0;
		if (extensions[n].needed && !h->extension[n]) {
			snprintf(h->problem, sizeof(h->problem),
				 "this kernel's KVM lacks %s; use a newer kernel",
				 extensions[n].name);
			return false;
		}
	}
	return true;
}

static void paging_look(struct kvm_host *h, int dev)
{
	struct probe_vm p;
	int err = probe_open(&p, dev);

	if (err)
		snprintf(h->problem, sizeof(h->problem), "KVM cannot make a virtual machine: %s",
			 strerror(-err));
	else
		h->paging32 = probe_run(&p);
	if (!err && !h->paging32)
		snprintf(h->problem, sizeof(h->problem), "%s cannot run a 32-bit guest with paging",
			 strcmp(h->vendor, "kvm_pvm") ? "this host's KVM"
						      : "this host's KVM is PVM, which");
	probe_close(&p);
}

void kvm_host_look(struct kvm_host *h, bool all)
{
	uint64_t start = kvm_clock_ns();
	int dev;

	*h = (struct kvm_host){ 0 };
	look_for_vendor(h);
	dev = device_open(h);
	if (dev < 0)
		return;
	h->api_version = ioctl(dev, KVM_GET_API_VERSION, 0);
	if (h->api_version < 0) {
		h->api_version = 0;
		snprintf(h->problem, sizeof(h->problem),
			 DEVICE " does not answer as KVM does: %s; remove it and load kvm_intel or "
				"kvm_amd",
			 strerror(errno));
	} else if (h->api_version != API_VERSION) {
		snprintf(h->problem, sizeof(h->problem),
			 DEVICE " answers with API version %d, not %d; is it KVM?", h->api_version,
			 API_VERSION);
	} else {
		if (all)
			look_at_cpuid(h, dev);
		if (extensions_look(h, dev))
			paging_look(h, dev);
	}
	close(dev);
	h->probe_ns = kvm_clock_ns() - start;
}

bool kvm_host_can_shadow(const struct kvm_host *h, char *reason, size_t bytes)
{
	bool offered = h->openable && h->api_version == API_VERSION;

	for (unsigned n = 0; n < KVM_EXT_COUNT; n++)
		offered = offered && (h->extension[n] || !extensions[n].needed);
	if (!offered) /* the problem is one of every guest */
		snprintf(reason, bytes, "%s", h->problem);
	else if (!h->extension[KVM_EXT_SYNC_REGS])
		snprintf(reason, bytes, "this kernel's KVM lacks %s; use a newer kernel",
			 extensions[KVM_EXT_SYNC_REGS].name);
	else if (!h->long_mode)
		snprintf(
			reason, bytes,
			"this host's KVM has no 64-bit guests, which the monitor of mmu shadow is");
	else if (!h->paging32)
		snprintf(reason, bytes,
			 "%s emulates 32-bit code, at about one million instructions a second",
			 h->vendor[0] ? h->vendor : "this host's KVM");
	else
		snprintf(reason, bytes, "%s runs deprivileged guests",
			 h->vendor[0] ? h->vendor : "/dev/kvm");
	return offered && h->extension[KVM_EXT_SYNC_REGS] && h->long_mode;
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t kvm_host_exit_ns(void)
{
	uint64_t sample[EXIT_SAMPLES], median = 0;
	int dev = open(DEVICE, O_RDWR | O_CLOEXEC);
	struct probe_vm p;
	unsigned n = 0;

	if (dev < 0)
		return 0;
	if (!probe_open(&p, dev) && probe_run(&p)) {
		for (; n < EXIT_SAMPLES; n++) {
			uint64_t start = kvm_clock_ns();

			if (!probe_run(&p))
				break;
			sample[n] = kvm_clock_ns() - start;
		}
	}
	probe_close(&p);
	close(dev);
	if (n == EXIT_SAMPLES) {
		qsort(sample, n, sizeof(*sample), compare_ns);
		median = sample[n / 2];
	}
	return median;
}
