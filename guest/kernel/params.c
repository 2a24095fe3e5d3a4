// SPDX-License-Identifier: MIT
#include <kernel/params.h>
#include <kernel/printk.h>
#include <lib/string.h>
#include <lib/vsprintf.h>

struct boot_params boot_params = {
	.init_argv = { "init" },
	.init_envp = { "HOME=/", "TERM=linux" },
};

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

static bool parse_init(const char *value)
{
	boot_params.init = value;
	return *value;
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
	{ "init", parse_init, false },
};

/* Is it one of the kernel's own? Then it is seen to. */
static bool parse_word(const char *word)
{
	for (u32 i = 0; i < ARRAY_SIZE(params); i++) {
		const struct param *p = &params[i];
		size_t n = strlen(p->name);

		if (strncmp(word, p->name, n) || (word[n] && word[n] != '='))
			continue;
		if (!word[n] ? !p->bare || !p->parse("") : !p->parse(word + n + 1))
			printk("option %s ignored: bad value\n", word);
		return true;
	}
	return false;
}

static void add_argument(const char *word)
{
	u32 n = 1;

	while (boot_params.init_argv[n])
		n++;
	if (n <= INIT_WORDS_MAX)
		boot_params.init_argv[n] = word;
	else
		printk("argument %s of init ignored: it has %u already\n", word, INIT_WORDS_MAX);
}

/* word: name=value. One of the same name is replaced. */
static void add_variable(const char *word)
{
	size_t n = 0;
	u32 i = 0;

	while (word[n] != '=')
		n++;
	while (boot_params.init_envp[i] && strncmp(boot_params.init_envp[i], word, n + 1))
		i++;
	if (i < INIT_WORDS_MAX + 2)
		boot_params.init_envp[i] = word;
	else
		printk("variable %s of init ignored: it has %u already\n", word, i);
}

static bool has_value(const char *word)
{
	while (*word && *word != '=')
		word++;
	return *word;
}

/* Ends the word at s, takes its quotes out, and returns what follows. */
static char *cut_word(char *s)
{
	bool quoted = false;
	char *to = s;

	for (; *s && (quoted || *s != ' '); s++) {
		if (*s == '"')
			quoted = !quoted;
		else
			*to++ = *s;
	}
	s += *s != '\0';
	*to = '\0';
	return s;
}

void parse_params(void)
{
	static char line[COMMAND_LINE_SIZE];
	bool for_init = false;
	char *word, *next;

	memcpy(line, saved_command_line, sizeof(line));
	for (word = cut_word(line); *word; word = next) { /* past the path of the image */
		next = cut_word(word);
		if (!*word)
			continue;
		if (for_init)
			add_argument(word);
		else if (!strcmp(word, "--"))
			for_init = true;
		else if (parse_word(word))
			continue;
		else if (has_value(word))
			add_variable(word);
		else
			add_argument(word);
	}
}
