// SPDX-License-Identifier: MIT
/*
 * What test= can do besides testing: things that end or stop the machine, the console echo, and
 * counting instructions.
 */
#include "selftest.h"
#include <arch/desc.h>
#include <arch/processor.h>
#include <drivers/uart.h>
#include <kernel/panic.h>
#include <kernel/params.h>
#include <kernel/printk.h>
#include <lib/string.h>

#define CTRL_D 0x04
#define ECHO_LINE_MAX 256

static void action_panic(void)
{
	panic("requested by test=panic");
}

/* INT3 finds no gate: #GP; #GP finds none: #DF; #DF finds none: shutdown. */
static void action_triple(void)
{
	static const struct desc_ptr empty;

	local_irq_disable();
	load_idt(&empty);
	asm volatile("int3");
}

static void action_hang(void)
{
	local_irq_disable();
	for (;;)
		asm volatile("" : : : "memory");
}

/*
 * Reads a line without its end; a long line comes in pieces. Returns false if Ctrl-D ended it: what
 * was typed before is in the line all the same.
 */
static bool read_line(char *line, size_t size)
{
	size_t n = 0;

	for (;;) {
		u8 c = uart_getc_wait();

		if (c == CTRL_D) {
			line[n] = '\0';
			return false;
		}
		if (c == '\r')
			c = '\n';
		if (boot_params.tty)
			printk("%c", c);
		if (c != '\n')
			line[n++] = (char)c;
		if (c == '\n' || n == size - 1) {
			line[n] = '\0';
			return true;
		}
	}
}

static void action_echo(void)
{
	char line[ECHO_LINE_MAX];
	bool more;

	do {
		more = read_line(line, sizeof(line));
		if (!strcmp(line, "quit"))
			return;
		for (char *p = line; *p; p++)
			if (*p >= 'a' && *p <= 'z')
				*p -= 'a' - 'A';
		if (more || *line)
			printk("%s\n", line);
	} while (more);
}

static const struct {
	const char *name;
	void (*run)(void);
} actions[] = {
	{ "panic", action_panic }, { "triple", action_triple }, { "hang", action_hang },
	{ "echo", action_echo },   { "count", count_mm_pairs },
};

bool run_action(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(actions); i++) {
		if (!strcmp(name, actions[i].name)) {
			actions[i].run();
			return true;
		}
	}
	return false;
}
