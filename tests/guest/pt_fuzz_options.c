// SPDX-License-Identifier: MIT
#include "guest/pt_fuzz.h"

struct fuzz_options options = {
	.seed = 1,
	.steps = 10000,
	.every = 1000,
	.verify = 1,
	.split = 1,
	.from = UINT32_MAX,
};

static const char *after_name(const char *word, const char *name)
{
	while (*name && *word == *name) {
		word++;
		name++;
	}
	return *name || *word != '=' ? 0 : word + 1;
}

static void parse_word(const char *word)
{
	static const struct {
		const char *name;
		uint32_t *value;
	} names[] = {
		{ "seed", &options.seed },   { "steps", &options.steps },
		{ "every", &options.every }, { "verify", &options.verify },
		{ "tcg", &options.tcg },     { "npt0", &options.npt0 },
		{ "split", &options.split }, { "from", &options.from },
		{ "count", &options.count },
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *digit = after_name(word, names[i].name);

		if (!digit)
			continue;
		*names[i].value = 0;
		for (; *digit && *digit != ' '; digit++) {
			if (*digit < '0' || *digit > '9') {
				put_text("pt_fuzz: a number is not one\n");
				guest_exit(2);
			}
			*names[i].value = *names[i].value * 10 + (uint32_t)(*digit - '0');
		}
	}
}

/* Multiboot: flags at 0, bit 2 of them says that the command line's address is at 16. */
void options_read(void)
{
	const uint32_t *info = (const uint32_t *)multiboot_info;
	const char *s;

	if (!(info[0] & 4))
		return;
	for (s = (const char *)info[4]; *s; s++)
		if (*s != ' ' && (s == (const char *)info[4] || s[-1] == ' '))
			parse_word(s);
	if (!options.every)
		options.every = 1;
}
