// SPDX-License-Identifier: MIT
#include "unit.h"

#define SUITES(x)                                                                                  \
	x(bus) x(choice) x(console) x(console_terminal) x(devices) x(diag) x(doctor) x(engine_bus) \
		x(engine_events) x(engine_kick) x(engine_poke) x(engine_state) x(kvm_mirror) x(    \
			kvm_monitor) x(loader) x(loader_info) x(options) x(pic) x(pit) x(pit_irq)  \
			x(postmortem) x(postmortem_memory) x(ram) x(rtc) x(shadow) x(shadow_cases) \
				x(shadow_control) x(shadow_pool) x(shadow_track) x(soft)           \
					x(symbols) x(symbols_lines) x(uart) x(walk)                \
						x(walk_formats) x(x86_debug) x(x86_events)         \
							x(x86_far) x(x86_fast) x(x86_int)          \
								x(x86_string) x(x86_sys)           \
									x(x86_system) x(x86_tlb)

#define DECLARE(name) extern const struct unit_suite suite_##name;
#define LIST(name) &suite_##name,

SUITES(DECLARE)

static const struct unit_suite *const suites[] = { SUITES(LIST) };

int main(int argc, char **argv)
{
	return unit_main(suites, sizeof(suites) / sizeof(suites[0]), argc, argv);
}
