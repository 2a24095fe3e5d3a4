// SPDX-License-Identifier: MIT
#include <kernel/params.h>
#include <kernel/printk.h>
#include <lib/string.h>
#include <lib/vsprintf.h>

struct boot_params boot_params = { .test = "all" };

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
	return parse_size(value, &boot_params.mem_bytes);
}

static bool parse_highmem(const char *value)
{
	boot_params.has_highmem = parse_size(value, &boot_params.highmem_bytes);
	return boot_params.has_highmem;
}

static bool parse_test(const char *value)
{
	return *value && strlcpy(boot_params.test, value, sizeof(boot_params.test)) < TEST_NAME_MAX;
}

static const struct param {
	const char *name;
	bool (*parse)(const char *value);
} params[] = {
	{ "tty", parse_tty }, { "debugcon", parse_debugcon }, { "exit", parse_exit },
	{ "mem", parse_mem }, { "highmem", parse_highmem },   { "test", parse_test },
};

/* word: NUL-terminated */
static void parse_word(const char *word)
{
	for (u32 i = 0; i < ARRAY_SIZE(params); i++) {
		size_t n = strlen(params[i].name);

		if (strncmp(word, params[i].name, n) || word[n] != '=')
			continue;
		if (!params[i].parse(word + n + 1))
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
