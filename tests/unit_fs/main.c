// SPDX-License-Identifier: MIT
/* Tests of guest/fs on the host. */
#include "unit.h"

extern const struct unit_suite suite_cpio, suite_elf, suite_script;

static const struct unit_suite *const suites[] = { &suite_cpio, &suite_elf, &suite_script };

int main(int argc, char **argv)
{
	return unit_main(suites, sizeof(suites) / sizeof(suites[0]), argc, argv);
}
