// SPDX-License-Identifier: MIT
#include <arch/io.h>
#include <drivers/debugcon.h>

#define DEBUGCON_PORT 0xe9

void debugcon_write(const char *s, size_t n)
{
	for (; n; n--, s++)
		outb((u8)*s, DEBUGCON_PORT);
}
