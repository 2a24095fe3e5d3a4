// SPDX-License-Identifier: MIT
#include <kernel/params.h>
#include <kernel/printk.h>
#include <lib/string.h>
#include <lib/vsprintf.h>

struct boot_params boot_params = { .test = "quick" };

char saved_command_line[COMMAND_LINE_SIZE];

/* The parsers return false if the value makes no sense. */

static bool parse_bool(const char *value, bool *b)
{
	*b = value[0] == '1';
	return (value[0] == '0' || value[0] == '1') && !value[1];
}

static bool parse_size(const char *value, u64 *bytes)
{
	const char *end;

	*bytes = memparse(value, &end);
	return end != value && !*end;
}

static bool parse_tty(const char *value)
{
	return parse_bool(value, &boot_params.tty);
}

static bool parse_debugcon(const char *value)
{
	return parse_bool(value, &boot_params.debugcon);
}

static bool parse_exit(const char *value)
{
	u64 v;

	if (!parse_size(value, &v) || v > UINT32_MAX)
		return false;
	boot_params.exit_status = (u32)v;
	return true;
}

static bool parse_mem(const char *value)
{
	u64 bytes;

	if (!parse_size(value, &bytes) || !bytes)
		return false;
	boot_params.mem_bytes = bytes;
	return true;
}

static bool parse_highmem(const char *value)
{
	u64 bytes;

	if (!parse_size(value, &bytes))
		return false;
	boot_params.highmem_bytes = bytes;
	boot_params.has_highmem = true;
	return true;
}

static bool parse_numa(const char *value)
{
	u64 n;

	if (!parse_size(value, &n) || !n || n > UINT32_MAX)
		return false;
	boot_params.numa = (u32)n;
	return true;
}

/* mm/ tells what is wrong with it. */
static bool parse_slub_debug(const char *value)
{
	boot_params.slub_debug = value;
	return true;
}

static bool parse_slab_nomerge(const char *value)
{
	boot_params.slab_nomerge = true;
	return !*value;
}

static bool parse_show(const char *value)
{
	boot_params.show = value;
	return *value;
}

static bool parse_test(const char *value)
{
	return *value && strlcpy(boot_params.test, value, sizeof(boot_params.test)) < TEST_NAME_MAX;
}

static const struct param {
	const char *name;
	bool (*parse)(const char *value); /* the value lives as long as the kernel */
	bool bare;			  /* may stand without a value, which is "" then */
} params[] = {
	{ "tty", parse_tty, false },
	{ "debugcon", parse_debugcon, false },
	{ "exit", parse_exit, false },
	{ "mem", parse_mem, false },
	{ "highmem", parse_highmem, false },
	{ "numa", parse_numa, false },
	{ "slub_debug", parse_slub_debug, true },
	{ "slab_nomerge", parse_slab_nomerge, true },
	{ "slub_nomerge", parse_slab_nomerge, true }, /* its name until Linux 4.13 */
	{ "show", parse_show, false },
	{ "test", parse_test, false },
};

/* word: NUL-terminated */
static void parse_word(const char *word)
{
	for (u32 i = 0; i < ARRAY_SIZE(params); i++) {
		const struct param *p = &params[i];
		size_t n = strlen(p->name);

		if (strncmp(word, p->name, n) || (word[n] && word[n] != '='))
			continue;
		if (!word[n] ? !p->bare || !p->parse("") : !p->parse(word + n + 1))
			printk("option %s ignored: bad value\n", word);
	}
}

static char *skip_word(char *s)
{
	while (*s && *s != ' ')
		s++;
	return s;
}

void parse_params(void)
{
	static char line[COMMAND_LINE_SIZE];
	char *s;

	memcpy(line, saved_command_line, sizeof(line));
	s = skip_word(line); /* the path of the image */
	while (*s) {
		char *word, *end;

		while (*s == ' ')
			s++;
		word = s;
		end = skip_word(word);
		s = *end ? end + 1 : end;
		*end = '\0';
		if (*word)
			parse_word(word);
	}
}
