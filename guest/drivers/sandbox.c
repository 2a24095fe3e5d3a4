// SPDX-License-Identifier: MIT
#include <arch/io.h>
#include <drivers/sandbox.h>

bool sandbox_present(void)
{
	return inl(SANDBOX_PORT) == SANDBOX_MAGIC;
}

u32 sandbox_read(enum sandbox_selector selector)
{
	outl(selector, SANDBOX_PORT);
	return inl(SANDBOX_DATA);
}

void sandbox_write(enum sandbox_selector selector, u32 value)
{
	outl(selector, SANDBOX_PORT);
	outl(value, SANDBOX_DATA);
}
