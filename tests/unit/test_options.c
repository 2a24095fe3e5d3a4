// SPDX-License-Identifier: MIT
/*
 * The command line, word by word. Numbers are worked out by hand: 1 MiB is 1048576 bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "unit/unit.h"

#define WORDS_MAX 10

/* Parse one text, its words between blanks; "_" stands for an empty word. */
struct parsed {
	char text[256];
	char *argv[WORDS_MAX];
	int argc;
	struct options o;
	struct diag d;
	int result;
};

static void parse_for(struct parsed *p, enum options_command command, const char *line)
{
	char *rest;

	memset(p, 0, sizeof(*p));
	snprintf(p->text, sizeof(p->text), "%s", line);
	for (char *word = strtok_r(p->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		CU_ASSERT_FATAL(p->argc < WORDS_MAX);
		p->argv[p->argc++] = strcmp(word, "_") ? word : word + 1;
	}
	p->result = options_parse(&p->o, command, p->argc, p->argv, &p->d);
}

static void parse(struct parsed *p, const char *line)
{
	parse_for(p, COMMAND_RUN, line);
}

static void accepts(struct parsed *p, const char *line)
{
	parse(p, line);
	CU_ASSERT_EQUAL(p->result, 0);
	CU_ASSERT_STRING_EQUAL(p->d.text, "");
}

/* Refused, with a line that holds `part`. */
static void refuses_for(enum options_command command, const char *line, const char *part)
{
	struct parsed p;

	parse_for(&p, command, line);
	CU_ASSERT_EQUAL(p.result, -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(p.d.text, part));
	if (!strstr(p.d.text, part))
		fprintf(stderr, "\n  \"%s\" -> \"%s\", wanted \"%s\"\n", line, p.d.text, part);
	CU_ASSERT_PTR_NULL(strchr(p.d.text, '\n'));
}

static void refuses(const char *line, const char *part)
{
	refuses_for(COMMAND_RUN, line, part);
}

static void defaults_are_those_of_the_help_text(void)
{
	struct parsed p;

	accepts(&p, "guest.bin");
	CU_ASSERT_STRING_EQUAL(p.o.image, "guest.bin");
	CU_ASSERT_STRING_EQUAL(p.o.engine, "auto");
	CU_ASSERT_EQUAL(p.o.ram_bytes, 1073741824u);
	CU_ASSERT_EQUAL(p.o.mmu, OPTIONS_MMU_AUTO);
	CU_ASSERT_EQUAL(p.o.tlb, X86_TLB_NORMAL);
	CU_ASSERT_PTR_NULL(p.o.append);
	CU_ASSERT_PTR_NULL(p.o.initrd);
	CU_ASSERT_PTR_NULL(p.o.json);
	CU_ASSERT_EQUAL(p.o.limit_insns, 0);
	CU_ASSERT_EQUAL(p.o.timeout_us, 0);
	CU_ASSERT_EQUAL(p.o.seed, 0);
	CU_ASSERT_FALSE(p.o.stats);
	CU_ASSERT_FALSE(p.o.help);
	CU_ASSERT_FALSE(p.o.version);
}

static void options_stand_before_and_after_the_image(void)
{
	struct parsed p;

	accepts(&p, "--stats -m 64M guest.bin --seed 7 --json=out.json");
	CU_ASSERT_STRING_EQUAL(p.o.image, "guest.bin");
	CU_ASSERT_TRUE(p.o.stats);
	CU_ASSERT_EQUAL(p.o.ram_bytes, 67108864u);
	CU_ASSERT_EQUAL(p.o.seed, 7);
	CU_ASSERT_STRING_EQUAL(p.o.json, "out.json");
}

static void value_stands_in_the_next_word_or_after_equals(void)
{
	struct parsed p;

	accepts(&p, "g --append=a=b --initrd --odd");
	CU_ASSERT_STRING_EQUAL(p.o.append, "a=b");
	CU_ASSERT_STRING_EQUAL(p.o.initrd, "--odd");
	accepts(&p, "g --append=");
	CU_ASSERT_STRING_EQUAL(p.o.append, "");
	accepts(&p, "g -m512M");
	CU_ASSERT_EQUAL(p.o.ram_bytes, 536870912u);
}

static void two_dashes_end_the_options(void)
{
	struct parsed p;

	accepts(&p, "--stats -- --json");
	CU_ASSERT_STRING_EQUAL(p.o.image, "--json");
	CU_ASSERT_TRUE(p.o.stats);
	refuses("-- --json --stats", "second image");
}

static void last_of_two_wins(void)
{
	struct parsed p;

	accepts(&p, "g --append one --append two -m 2G -m 3M");
	CU_ASSERT_STRING_EQUAL(p.o.append, "two");
	CU_ASSERT_EQUAL(p.o.ram_bytes, 3145728u);
}

static void size_takes_suffixes_and_a_bare_number_is_mebibytes(void)
{
	static const struct {
		const char *line;
		uint64_t bytes;
	} sizes[] = {
		{ "g -m 80", 83886080u },	  { "g -m 80M", 83886080u },
		{ "g -m 80m", 83886080u },	  { "g -m 1536M", 1610612736u },
		{ "g -m 3G", 3221225472u },	  { "g -m 3g", 3221225472u },
		{ "g -m 2M", 2097152u },	  { "g -m 2048K", 2097152u },
		{ "g -m 2052k", 2101248u },	  { "g -m 0x50", 83886080u },
		{ "g -m 3145728K", 3221225472u },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct parsed p;

		accepts(&p, sizes[i].line);
		CU_ASSERT_EQUAL(p.o.ram_bytes, sizes[i].bytes);
	}
}

static void size_out_of_range_names_the_limits(void)
{
	static const char *const lines[] = {
		"g -m 0",
		"g -m 1",
		"g -m 5G",
		"g -m 3073M",
		"g -m 4G",
		"g -m 2047K",
		"g -m 99999999999999999999G",
		"g -m 18446744073709551617",
		"g -m 0x10000000000000002",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		refuses(lines[i], "from 2M to 3G");
	refuses("g -m 2049K", "multiple of 4K");
}

static void size_that_is_no_size_names_the_form(void)
{
	static const char *const lines[] = {
		"g -m _",  "g -m M",	 "g -m -5", "g -m 1.5G",
		"g -m 5T", "g -m 512MB", "g -m +5", "g -m 0x",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		refuses(lines[i], "as in 512M");
}

static void count_is_decimal_or_hexadecimal(void)
{
	struct parsed p;

	accepts(&p, "g --limit-insns 1000000 --seed 0xFf");
	CU_ASSERT_EQUAL(p.o.limit_insns, 1000000);
	CU_ASSERT_EQUAL(p.o.seed, 255);
	accepts(&p, "g --limit-insns 010"); /* not octal */
	CU_ASSERT_EQUAL(p.o.limit_insns, 10);
	accepts(&p, "g --seed 9223372036854775807");
	CU_ASSERT_EQUAL(p.o.seed, 9223372036854775807u);
	refuses("g --seed 9223372036854775808", "the most is 9223372036854775807");
	refuses("g --seed 99999999999999999999999", "the most is");
	refuses("g --limit-insns 1e6", "not a number");
	refuses("g --limit-insns -1", "not a number");
	refuses("g --limit-insns _", "not a number");
	refuses("g --seed 0xg", "not a number");
}

static void timeout_takes_decimals(void)
{
	struct parsed p;

	accepts(&p, "g --timeout 2");
	CU_ASSERT_EQUAL(p.o.timeout_us, 2000000);
	accepts(&p, "g --timeout 0.25");
	CU_ASSERT_EQUAL(p.o.timeout_us, 250000);
	accepts(&p, "g --timeout .000001");
	CU_ASSERT_EQUAL(p.o.timeout_us, 1);
	accepts(&p, "g --timeout 3.");
	CU_ASSERT_EQUAL(p.o.timeout_us, 3000000);
	accepts(&p, "g --timeout 1000000000");
	CU_ASSERT_EQUAL(p.o.timeout_us, 1000000000000000);
	refuses("g --timeout 1000000001", "the most is 1000000000 seconds");
	refuses("g --timeout 99999999999999999999", "the most is");
	refuses("g --timeout .", "not a time");
	refuses("g --timeout 5s", "not a time");
	refuses("g --timeout -1", "not a time");
	refuses("g --timeout _", "not a time");
}

static void choice_names_all_choices(void)
{
	struct parsed p;

	accepts(&p, "g --mmu shadow --tlb hoard");
	CU_ASSERT_EQUAL(p.o.mmu, ENGINE_MMU_SHADOW);
	CU_ASSERT_EQUAL(p.o.tlb, X86_TLB_HOARD);
	accepts(&p, "g --mmu=direct --tlb=drop");
	CU_ASSERT_EQUAL(p.o.mmu, ENGINE_MMU_DIRECT);
	CU_ASSERT_EQUAL(p.o.tlb, X86_TLB_DROP);
	refuses("g --mmu both", "use direct, shadow or auto");
	refuses("g --tlb none", "use normal, drop or hoard");
	refuses("g --tlb norma", "use normal, drop or hoard");
}

static void unknown_option_names_the_nearest(void)
{
	refuses("g --stat", "did you mean --stats?");
	refuses("g --apend x", "did you mean --append?");
	refuses("g --append-text=x", "no such option");
	refuses("g --jsno x", "did you mean --json?");
	refuses("g --limit 5", "did you mean --limit-insns?");
	refuses("g -json x", "did you mean --json?");
	refuses("g --m 5", "did you mean -m?");
	refuses("g --colour", "vmm --help lists them");
	refuses("g -x", "vmm --help lists them");
	refuses("g --=5", "no such option");
	refuses("g --aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "vmm --help lists them");
	refuses("g --engin=kvm", "--engin: no such option; did you mean --engine?");
}

static void value_missing_or_too_much_is_refused(void)
{
	refuses("g --append", "--append needs TEXT");
	refuses("g -m", "-m needs SIZE");
	refuses("g --stats=yes", "--stats takes no value");
	refuses("g --json _", "the file name is empty");
	refuses("g --initrd=", "the file name is empty");
}

static void options_of_the_shadow_ask_for_it_and_do_not_go_with_direct(void)
{
	static const char *const words[] = { "--shadow-pages 12", "--shadow-sync unsync",
					     "--shadow-audit", "--trace shadow", "--dump shadow" };
	char line[64];
	struct parsed p;

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		snprintf(line, sizeof(line), "g %s", words[i]);
		accepts(&p, line);
		CU_ASSERT_EQUAL(p.o.mmu, ENGINE_MMU_SHADOW);
		snprintf(line, sizeof(line), "g --mmu direct %s", words[i]);
		refuses(line, "has no meaning with --mmu direct; use --mmu shadow");
	}
	accepts(&p, "g --shadow-pages 1048576 --trace shadow=a=b --mmu auto");
	CU_ASSERT_EQUAL(p.o.shadow_pages, 1048576);
	CU_ASSERT_EQUAL(p.o.mmu, ENGINE_MMU_SHADOW);
	CU_ASSERT_STRING_EQUAL(options_trace_file(&p.o), "a=b");
	accepts(&p, "g --trace shadow");
	CU_ASSERT_PTR_NULL(options_trace_file(&p.o));
	refuses("g --shadow-pages 11", "give a number from 12 to 1048576");
	refuses("g --shadow-pages 1048577", "give a number from 12 to 1048576");
	refuses("g --trace shadowy", "use shadow[=FILE]");
	refuses("g --trace shadow=", "the file name is empty");
	refuses("g --dump shadow=x", "use shadow");
}

/* Any value of --tlb, the default one too, is a wish; no limit is none. */
static void options_say_what_they_want_of_the_engine(void)
{
	static const struct {
		const char *line;
		unsigned wants;
	} cases[] = {
		{ "g", 0 },
		{ "g --tlb drop", ENGINE_MODELS_TLB },
		{ "g --tlb=normal", ENGINE_MODELS_TLB },
		{ "g --limit-insns 5", ENGINE_COUNTS_INSNS },
		{ "g --limit-insns 0", 0 },
		{ "g --limit-insns 5 --limit-insns 0", 0 },
		{ "g --limit-insns 0 --limit-insns 5", ENGINE_COUNTS_INSNS },
		{ "g --tlb hoard --limit-insns 1", ENGINE_MODELS_TLB | ENGINE_COUNTS_INSNS },
		{ "g --timeout 5 --stats --mmu direct --engine kvm", 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parsed p;

		accepts(&p, cases[i].line);
		CU_ASSERT_EQUAL(p.o.wants, cases[i].wants);
	}
}

static void doctor_takes_its_own_options_and_no_image(void)
{
	struct parsed p;

	parse_for(&p, COMMAND_DOCTOR, "");
	CU_ASSERT_EQUAL(p.result, 0);
	CU_ASSERT_PTR_NULL(p.o.json);
	parse_for(&p, COMMAND_DOCTOR, "--json host.json");
	CU_ASSERT_EQUAL(p.result, 0);
	CU_ASSERT_STRING_EQUAL(p.o.json, "host.json");
	parse_for(&p, COMMAND_DOCTOR, "--help");
	CU_ASSERT_TRUE(p.o.help);
	refuses_for(COMMAND_DOCTOR, "guest.bin", "guest.bin: vmm doctor takes no image");
	refuses_for(COMMAND_DOCTOR, "--stats", "--stats: no such option; vmm doctor --help");
	refuses_for(COMMAND_DOCTOR, "-m 5", "-m: no such option");
	refuses_for(COMMAND_DOCTOR, "--jsn x", "did you mean --json?");
	refuses_for(COMMAND_DOCTOR, "--tlb drop", "no such option");
}

static void image_is_needed_once(void)
{
	refuses("--stats", "usage: vmm [run] IMAGE");
	refuses("", "usage: vmm [run] IMAGE");
	refuses("a b", "b: a second image after a");
	refuses("guest.bin --append one two", "two: a second image after guest.bin");
}

static void help_and_version_need_no_image(void)
{
	struct parsed p;

	accepts(&p, "--help");
	CU_ASSERT_TRUE(p.o.help);
	accepts(&p, "-h");
	CU_ASSERT_TRUE(p.o.help);
	accepts(&p, "--version");
	CU_ASSERT_TRUE(p.o.version);
	accepts(&p, "a --help b c"); /* a line one is unsure of is when help is asked for */
	CU_ASSERT_TRUE(p.o.help);
	refuses("--bogus --help", "no such option");
}

static void message_stays_one_line_whatever_the_word(void)
{
	char word[] = "--json\n\033[2Jx", value[] = "9\r\n9";
	char *argv[] = { word, NULL }, *size[] = { "-m", value, NULL };
	struct options o;
	struct diag d = { .text = "" };

	CU_ASSERT_EQUAL(options_parse(&o, COMMAND_RUN, 1, argv, &d), -EINVAL);
	CU_ASSERT_EQUAL(strcspn(d.text, "\n\r\033"), strlen(d.text));
	d.text[0] = 0;
	CU_ASSERT_EQUAL(options_parse(&o, COMMAND_RUN, 2, size, &d), -EINVAL);
	CU_ASSERT_EQUAL(strcspn(d.text, "\n\r\033"), strlen(d.text));
}

static void help_has_a_line_for_every_option_and_fits_80_columns(void)
{
	static const char *const names[] = {
		"--append TEXT",
		"--initrd FILE",
		"-m SIZE",
		"--engine auto|kvm|soft",
		"--mmu direct|shadow|auto",
		"--shadow-sync strict|unsync",
		"--shadow-pages N",
		"--shadow-audit",
		"--trace shadow[=FILE]",
		"--dump shadow",
		"--tlb normal|drop|hoard",
		"--limit-insns N",
		"--timeout S",
		"--stats",
		"--json FILE",
		"--seed N",
		"--help",
		"--version",
	};
	char *text = NULL, *rest;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	options_help(COMMAND_RUN, out);
	fclose(out);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, names[i]));
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		CU_ASSERT(strlen(line) <= 80);
	free(text);
}

static const struct unit_test tests[] = {
	UNIT_TEST(options_of_the_shadow_ask_for_it_and_do_not_go_with_direct),
	UNIT_TEST(defaults_are_those_of_the_help_text),
	UNIT_TEST(options_stand_before_and_after_the_image),
	UNIT_TEST(value_stands_in_the_next_word_or_after_equals),
	UNIT_TEST(two_dashes_end_the_options),
	UNIT_TEST(last_of_two_wins),
	UNIT_TEST(size_takes_suffixes_and_a_bare_number_is_mebibytes),
	UNIT_TEST(size_out_of_range_names_the_limits),
	UNIT_TEST(size_that_is_no_size_names_the_form),
	UNIT_TEST(count_is_decimal_or_hexadecimal),
	UNIT_TEST(timeout_takes_decimals),
	UNIT_TEST(choice_names_all_choices),
	UNIT_TEST(unknown_option_names_the_nearest),
	UNIT_TEST(value_missing_or_too_much_is_refused),
	UNIT_TEST(options_say_what_they_want_of_the_engine),
	UNIT_TEST(doctor_takes_its_own_options_and_no_image),
	UNIT_TEST(image_is_needed_once),
	UNIT_TEST(help_and_version_need_no_image),
	UNIT_TEST(message_stays_one_line_whatever_the_word),
	UNIT_TEST(help_has_a_line_for_every_option_and_fits_80_columns),
	UNIT_END,
};

extern const struct unit_suite suite_options;
const struct unit_suite suite_options = { "options", tests };
