// SPDX-License-Identifier: MIT
/* What KVM_RUN comes back with: port and MMIO accesses, MSRs, and how a run ends. */
#include "engine/kvm.h"

#include <stdio.h>
#include <string.h>

#include "x86/disasm.h"

/* api.rst 5, "exit_reason". */
#define NAME(reason) [KVM_EXIT_##reason] = "KVM_EXIT_" #reason

static const char *const names[] = {
	NAME(UNKNOWN),
	NAME(EXCEPTION),
	NAME(IO),
	NAME(HYPERCALL),
	NAME(DEBUG),
	NAME(HLT),
	NAME(MMIO),
	NAME(IRQ_WINDOW_OPEN),
	NAME(SHUTDOWN),
	NAME(FAIL_ENTRY),
	NAME(INTR),
	NAME(SET_TPR),
	NAME(TPR_ACCESS),
	NAME(S390_SIEIC),
	NAME(S390_RESET),
	NAME(DCR),
	NAME(NMI),
	NAME(INTERNAL_ERROR),
	NAME(OSI),
	NAME(PAPR_HCALL),
	NAME(S390_UCONTROL),
	NAME(WATCHDOG),
	NAME(S390_TSCH),
	NAME(EPR),
	NAME(SYSTEM_EVENT),
	NAME(S390_STSI),
	NAME(IOAPIC_EOI),
	NAME(HYPERV),
	NAME(ARM_NISV),
	NAME(X86_RDMSR),
	NAME(X86_WRMSR),
	NAME(DIRTY_RING_FULL),
	NAME(AP_RESET_HOLD),
	NAME(X86_BUS_LOCK),
	NAME(XEN),
	NAME(RISCV_SBI),
	NAME(RISCV_CSR),
	NAME(NOTIFY),
	[38] = "KVM_EXIT_LOONGARCH_IOCSR",
	[39] = "KVM_EXIT_MEMORY_FAULT",
};

const char *kvm_exit_name(uint32_t reason)
{
	return reason < ARRAY_SIZE(names) ? names[reason] : NULL;
}

static void exit_io(struct kvm *k)
{
	const struct engine_bus *bus = &k->config.bus;
	uint8_t *data = (uint8_t *)k->run + k->run->io.data_offset;
	uint8_t size = k->run->io.size;
	uint16_t port = k->run->io.port;
	uint32_t count = k->run->io.count;

	if (k->run->io.direction == KVM_EXIT_IO_IN && k->may_read) {
		memset(data, 0, (size_t)size * count);
		count = k->may_read(k);
	}
	for (uint32_t n = 0; n < count; n++, data += size) {
		uint32_t value = 0;

		k->stats.io_exits++;
		if (k->run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, size);
			bus->io_write(bus->ctx, port, size, value);
		} else {
			value = bus->io_read(bus->ctx, port, size);
			memcpy(data, &value, size);
		}
	}
}

static void exit_mmio(struct kvm *k)
{
	const struct engine_bus *bus = &k->config.bus;
	uint32_t len = k->run->mmio.len;
	uint32_t step = len == 2 || len == 4 || len == 8 ? (len == 8 ? 4 : len) : 1;
	gpa_t gpa = k->run->mmio.phys_addr;

	k->stats.mmio_exits++;
	for (uint32_t n = 0; n < len; n += step) {
		uint32_t value = 0;

		if (k->run->mmio.is_write) {
			memcpy(&value, k->run->mmio.data + n, step);
			bus->mmio_write(bus->ctx, gpa + n, step, value);
		} else {
			value = bus->mmio_read(bus->ctx, gpa + n, step);
			memcpy(k->run->mmio.data + n, &value, step);
		}
	}
}

static void exit_msr(struct kvm *k)
{
	bool known;
	uint64_t value;

	if (k->run->exit_reason == KVM_EXIT_X86_RDMSR) {
		known = x86_msr_read(k->run->msr.index, &value);
		k->run->msr.data = value;
	} else {
		known = x86_msr_write(k->run->msr.index, k->run->msr.data);
	}
	k->run->msr.error = !known; /* #GP */
}

/* "what: opcode bytes, instruction" for an instruction that KVM could not emulate. */
static void internal_error_text(const struct kvm *k, char *text, size_t bytes)
{
	const struct kvm_run *run = k->run;
	bool emulation = run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION;
	bool has_bytes = emulation && run->emulation_failure.ndata >= 4 &&
			 run->emulation_failure.flags &
				 KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	unsigned size = has_bytes ? run->emulation_failure.insn_size : 0;
	size_t at = (size_t)snprintf(text, bytes, "KVM internal error %u%s", run->internal.suberror,
				     emulation ? " (it cannot emulate an instruction)" : "");

	if (size > sizeof(run->emulation_failure.insn_bytes))
		size = sizeof(run->emulation_failure.insn_bytes);
	for (unsigned n = 0; n < size && at + 4 < bytes; n++)
		at += (size_t)snprintf(text + at, bytes - at, "%s%02x", n ? " " : ": ",
				       run->emulation_failure.insn_bytes[n]);
	if (size && at + 2 < bytes) {
		at += (size_t)snprintf(text + at, bytes - at, ", ");
		disasm_bytes(run->emulation_failure.insn_bytes, size, (uint32_t)k->last_regs.rip,
			     k->last_sregs.cs.db, text + at, bytes - at);
	}
}

static enum engine_exit_reason failed(struct kvm *k, struct engine_exit *out)
{
	const char *name = kvm_exit_name(k->run->exit_reason);

	if (k->run->exit_reason == KVM_EXIT_INTERNAL_ERROR) {
		internal_error_text(k, out->text, sizeof(out->text));
		/* code in a device's memory, and the like: the guest's doing */
		if (k->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
			return ENGINE_EXIT_UNSUPPORTED;
	} else if (k->run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		snprintf(out->text, sizeof(out->text), "KVM cannot enter the guest: reason %#llx",
			 (unsigned long long)k->run->fail_entry.hardware_entry_failure_reason);
	else
		snprintf(out->text, sizeof(out->text), "%s (%u) is no exit that a PC guest makes",
			 name ? name : "exit", k->run->exit_reason);
	return ENGINE_EXIT_FAILED;
}

bool kvm_exit_handle(struct kvm *k, struct engine_exit *out)
{
	switch (k->run->exit_reason) {
	case KVM_EXIT_IO:
		exit_io(k);
		return false;
	case KVM_EXIT_MMIO:
		exit_mmio(k);
		return false;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		exit_msr(k);
		return false;
	case KVM_EXIT_INTR:
		return false;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		out->reason = ENGINE_EXIT_WINDOW;
		return true;
	case KVM_EXIT_HLT:
		k->halted = true;
		out->reason = ENGINE_EXIT_HALT;
		return true;
	case KVM_EXIT_SHUTDOWN:
		k->shut_down = true;
		out->reason = ENGINE_EXIT_SHUTDOWN;
		return true;
	default:
		out->reason = failed(k, out);
		return true;
	}
}
