// SPDX-License-Identifier: MIT
#include <arch/io.h>
#include <drivers/debug_exit.h>

void debug_exit(u32 status)
{
	outl(status, DEBUG_EXIT_PORT);
}
