// SPDX-License-Identifier: MIT
#include "x86/exec.h"

/* Feature bits of leaf 1, EDX (Intel SDM vol. 2, CPUID, table 3-11); design section 6. */
#define CPUID_DE (1u << 2)
#define CPUID_PSE (1u << 3)
#define CPUID_TSC (1u << 4)
#define CPUID_MSR (1u << 5)
#define CPUID_MCE (1u << 7)
#define CPUID_CX8 (1u << 8)
#define CPUID_PGE (1u << 13)
#define CPUID_MCA (1u << 14)
#define CPUID_CMOV (1u << 15)
#define CPUID_PSE36 (1u << 17)

#define CPUID_SIGNATURE 0x633u /* family 6, model 3, stepping 3 */

struct cpuid_row {
	uint32_t leaf;
	struct x86_cpuid value;
};

static const struct cpuid_row cpuid_rows[] = {
	/* highest leaf, and the vendor "shadowboxCPU" in EBX, EDX, ECX */
	{ 0x00000000, { .eax = 1, .ebx = 0x64616873, .edx = 0x6f62776f, .ecx = 0x55504378 } },
	{ 0x00000001,
	  { .eax = CPUID_SIGNATURE,
	    .edx = CPUID_DE | CPUID_PSE | CPUID_TSC | CPUID_MSR | CPUID_MCE | CPUID_CX8 |
		   CPUID_PGE | CPUID_MCA | CPUID_CMOV | CPUID_PSE36 } },
	/* no hypervisor leaves */
	{ 0x40000000, { 0 } },
	/* no extended leaves: the highest is this one */
	{ 0x80000000, { .eax = 0x80000000 } },
};

void x86_cpuid(uint32_t leaf, struct x86_cpuid *out)
{
	/* A leaf that is not there answers as the highest basic one (SDM vol. 2, CPUID). */
	*out = cpuid_rows[1].value;
	for (unsigned n = 0; n < ARRAY_SIZE(cpuid_rows); n++)
		if (cpuid_rows[n].leaf == leaf)
			*out = cpuid_rows[n].value;
}

#define MSR_MCG_CAP 0x179u    /* no error-reporting banks */
#define MSR_MCG_STATUS 0x17au /* no machine check */

bool x86_msr_read(uint32_t number, uint64_t *value)
{
	*value = 0;
	return number == MSR_MCG_CAP || number == MSR_MCG_STATUS;
}

bool x86_msr_write(uint32_t number, uint64_t value)
{
	return number == MSR_MCG_STATUS && value == 0;
}
