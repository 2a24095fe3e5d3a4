// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "machine/ram.h"

/* Values that fit a JSON integer, so that a report can repeat them. */
#define COUNT_MAX ((uint64_t)INT64_MAX)
#define SECONDS_MAX 1000000000u
#define USEC_PER_SEC 1000000u

struct option_row {
	const char *name; /* after "--"; NULL: has only a letter */
	char letter;	  /* after "-"; 0: has none */
	const char *arg;  /* what the argument is called; NULL: takes none */
	int (*parse)(const struct option_row *row, const char *value, void *field, struct diag *d);
	size_t field; /* offset in struct options */
	const char *const *choices;
	unsigned commands; /* enum options_command: those that take it */
	unsigned feature;  /* ENGINE_* that it asks of the engine; 0: none */
	const char *help;  /* lines */
};

static const char *const mmu_names[] = {
	[ENGINE_MMU_DIRECT] = "direct",
	[ENGINE_MMU_SHADOW] = "shadow",
	[OPTIONS_MMU_AUTO] = "auto",
	NULL,
};

static const char *const sync_names[] = {
	[SHADOW_STRICT] = "strict",
	[SHADOW_UNSYNC] = "unsync",
	NULL,
};

static const char *const tlb_names[] = {
	[X86_TLB_NORMAL] = "normal",
	[X86_TLB_DROP] = "drop",
	[X86_TLB_HOARD] = "hoard",
	NULL,
};

/* --- values ----------------------------------------------------------------------------------- */

/* How the user spells this option, for messages. */
static const char *row_spelling(const struct option_row *row, char buf[static 32])
{
	if (row->name)
		snprintf(buf, 32, "--%s", row->name);
	else
		snprintf(buf, 32, "-%c", row->letter);
	return buf;
}

/*
 * Digits at *text, decimal or 0x; *text moves past them. -EINVAL: no digit; -ERANGE: above `max`.
 * strtoull is not used because it takes signs, blanks and octal.
 */
static int digits_read(const char **text, uint64_t max, uint64_t *value)
{
	const char *p = *text;
	unsigned base = 10;
	uint64_t v = 0;
	bool range = false;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	for (const char *first = p;; p++) {
		unsigned digit = 16;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (base == 16 && (*p | 0x20) >= 'a' && (*p | 0x20) <= 'f')
			digit = (unsigned)((*p | 0x20) - 'a') + 10;
		if (digit >= base) {
			if (p == first)
				return -EINVAL;
			break;
		}
		range |= v > (max - digit) / base;
		v = v * base + digit;
	}
	*text = p;
	*value = v;
	return range ? -ERANGE : 0;
}

static int parse_flag(const struct option_row *row, const char *value, void *field, struct diag *d)
{
	*(bool *)field = true;
	return 0;
}

static int parse_text(const struct option_row *row, const char *value, void *field, struct diag *d)
{
	*(const char **)field = value;
	return 0;
}

/* A file to write or read: the empty name is none. */
static int parse_file(const struct option_row *row, const char *value, void *field, struct diag *d)
{
	char spelling[32];

	if (!*value)
		return diag_set(d, EINVAL, "%s: the file name is empty",
				row_spelling(row, spelling));
	return parse_text(row, value, field, d);
}

static int parse_count(const struct option_row *row, const char *value, void *field, struct diag *d)
{
	const char *end = value;
	char spelling[32];
	uint64_t v;
	int r = digits_read(&end, COUNT_MAX, &v);

	row_spelling(row, spelling);
	if (r == -EINVAL || *end)
		return diag_set(d, EINVAL,
				"%s %s: not a number; give decimal digits, or 0x and "
				"hexadecimal ones",
				spelling, value);
	if (r == -ERANGE)
		return diag_set(d, EINVAL, "%s %s: too large; the most is %lld", spelling, value,
				(long long)COUNT_MAX);
	*(uint64_t *)field = v;
	return 0;
}

/* Pages of the shadow's pool. */
static int parse_pages(const struct option_row *row, const char *value, void *field, struct diag *d)
{
	uint64_t pages = 0;
	char spelling[32];
	int r = parse_count(row, value, &pages, d);

	if (r)
		return r;
	if (pages < SHADOW_MIN_PAGES || pages > SHADOW_MAX_PAGES)
		return diag_set(d, EINVAL, "%s %s: give a number from %u to %u",
				row_spelling(row, spelling), value, SHADOW_MIN_PAGES,
				SHADOW_MAX_PAGES);
	*(uint64_t *)field = pages;
	return 0;
}

/* "shadow", with "=FILE" behind it where `row` has a file to write to. */
static int parse_shadow(const struct option_row *row, const char *value, void *field,
			struct diag *d)
{
	const size_t len = strlen("shadow");
	bool takes_file = strlen(row->arg) > len;
	char spelling[32];

	row_spelling(row, spelling);
	if (strncmp(value, "shadow", len) != 0 ||
	    (value[len] && (value[len] != '=' || !takes_file)))
		return diag_set(d, EINVAL, "%s %s: not a choice; use %s", spelling, value,
				row->arg);
	if (value[len] && !value[len + 1])
		return diag_set(d, EINVAL, "%s %s: the file name is empty", spelling, value);
	return parse_text(row, value, field, d);
}

/* log2 of the unit of a size suffix; -1: not one. A bare number is in MiB, as for QEMU. */
static int suffix_shift(const char *suffix)
{
	static const struct {
		char letter;
		int shift;
	} units[] = { { 0, 20 }, { 'k', 10 }, { 'm', 20 }, { 'g', 30 } };

	for (unsigned i = 0; i < ARRAY_SIZE(units); i++)
		if ((suffix[0] | (suffix[0] ? 0x20 : 0)) == units[i].letter)
			return suffix[0] && suffix[1] ? -1 : units[i].shift;
	return -1;
}

static int parse_ram(const struct option_row *row, const char *value, void *field, struct diag *d)
{
	const char *end = value;
	char spelling[32];
	uint64_t v;
	int r = digits_read(&end, RAM_MAX_BYTES, &v);
	int shift = r == -EINVAL ? -1 : suffix_shift(end);

	row_spelling(row, spelling);
	if (shift < 0)
		return diag_set(d, EINVAL,
				"%s %s: not a size; give a whole number and K, M or G, "
				"as in 512M",
				spelling, value);
	if (r == -ERANGE || v > RAM_MAX_BYTES >> shift || v << shift < RAM_MIN_BYTES)
		return diag_set(d, EINVAL, "%s %s: guest RAM must be from %uM to %uG", spelling,
				value, RAM_MIN_BYTES >> 20, (unsigned)(RAM_MAX_BYTES >> 30));
	if ((v << shift) % PAGE_BYTES)
		return diag_set(d, EINVAL, "%s %s: guest RAM must be a multiple of 4K", spelling,
				value);
	*(uint64_t *)field = v << shift;
	return 0;
}

/* Seconds with up to six decimals; 0 is none. */
static int parse_seconds(const struct option_row *row, const char *value, void *field,
			 struct diag *d)
{
	uint64_t whole = 0, part = 0, scale = USEC_PER_SEC;
	const char *p = value;
	char spelling[32];
	bool digit = false;

	for (; *p >= '0' && *p <= '9' && whole <= SECONDS_MAX; p++, digit = true)
		whole = whole * 10 + (unsigned)(*p - '0');
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9' && scale > 1; p++, digit = true) {
			scale /= 10;
			part += scale * (unsigned)(*p - '0');
		}
	row_spelling(row, spelling);
	if (whole > SECONDS_MAX)
		return diag_set(d, EINVAL, "%s %s: too long; the most is %u seconds", spelling,
				value, SECONDS_MAX);
	if (!digit || *p)
		return diag_set(d, EINVAL, "%s %s: not a time; give seconds, as in 10 or 0.5",
				spelling, value);
	*(uint64_t *)field = whole * USEC_PER_SEC + part;
	return 0;
}

static int parse_choice(const struct option_row *row, const char *value, void *field,
			struct diag *d)
{
	char list[96] = "", spelling[32];
	const char *gap = "";
	size_t at = 0;

	for (unsigned i = 0; row->choices[i]; i++) {
		if (!strcmp(row->choices[i], value)) {
			*(unsigned *)field = i;
			return 0;
		}
		if (i)
			gap = row->choices[i + 1] ? ", " : " or ";
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", gap, row->choices[i]);
	}
	return diag_set(d, EINVAL, "%s %s: not a choice; use %s", row_spelling(row, spelling),
			value, list);
}

/* --- the table -------------------------------------------------------------------------------- */

#define FIELD(name) offsetof(struct options, name)

/* Beside ENGINE_*: the option is of mmu shadow. */
#define WANTS_SHADOW (1u << 31)

#define RUN COMMAND_RUN
#define ALL (COMMAND_RUN | COMMAND_DOCTOR)

static const struct option_row rows[] = {
	{ "append", 0, "TEXT", parse_text, FIELD(append), NULL, RUN, 0,
	  "add TEXT to the guest's command line" },
	{ "initrd", 0, "FILE", parse_file, FIELD(initrd), NULL, RUN, 0,
	  "give FILE to the guest as its first multiboot module" },
	{ NULL, 'm', "SIZE", parse_ram, FIELD(ram_bytes), NULL, RUN, 0,
	  "guest RAM, 2M to 3G; K, M or G may follow the number,\n"
	  "a bare number is in MiB (default 1G)" },
	{ "engine", 0, "auto|kvm|soft", parse_text, FIELD(engine), NULL, RUN, 0,
	  "what runs the guest's instructions (default auto: the\n"
	  "best that works on this host, named on stderr)" },
	{ "mmu", 0, "direct|shadow|auto", parse_choice, FIELD(mmu), mmu_names, RUN, 0,
	  "whose page tables are walked: the guest's own, or\n"
	  "shadow tables made from them (default auto: the\n"
	  "guest's own where the engine can do that)" },
	{ "shadow-sync", 0, "strict|unsync", parse_choice, FIELD(shadow_sync), sync_names, RUN,
	  WANTS_SHADOW,
	  "mmu shadow: see each store to a page table, or let\n"
	  "leaf tables go until the guest invalidates them\n"
	  "(default strict)" },
	{ "shadow-pages", 0, "N", parse_pages, FIELD(shadow_pages), NULL, RUN, WANTS_SHADOW,
	  "mmu shadow: pages for its tables (default 4096)" },
	{ "shadow-audit", 0, NULL, parse_flag, FIELD(shadow_audit), NULL, RUN, WANTS_SHADOW,
	  "mmu shadow: check its tables against the guest's,\n"
	  "again and again; a finding ends the run" },
	{ "trace", 0, "shadow[=FILE]", parse_shadow, FIELD(trace), NULL, RUN, WANTS_SHADOW,
	  "write a line for each event of mmu shadow to stderr\n"
	  "or FILE" },
	{ "dump", 0, "shadow", parse_shadow, FIELD(dump), NULL, RUN, WANTS_SHADOW,
	  "when the guest has ended, print its page tables and\n"
	  "the shadow's side by side on stderr" },
	{ "tlb", 0, "normal|drop|hoard", parse_choice, FIELD(tlb), tlb_names, RUN,
	  ENGINE_MODELS_TLB,
	  "what engine soft caches of translations: as much as a\n"
	  "CPU, nothing, or all it may, which shows where an\n"
	  "INVLPG is missing (default normal)" },
	{ "limit-insns", 0, "N", parse_count, FIELD(limit_insns), NULL, RUN, ENGINE_COUNTS_INSNS,
	  "stop after N guest instructions, with status 101;\n"
	  "needs engine soft (default 0: no limit)" },
	{ "timeout", 0, "S", parse_seconds, FIELD(timeout_us), NULL, RUN, 0,
	  "stop after S seconds of real time, with status 101;\n"
	  "decimals are allowed (default 0: no limit)" },
	{ "stats", 0, NULL, parse_flag, FIELD(stats), NULL, RUN, 0,
	  "print a summary of the run on stderr" },
	{ "json", 0, "FILE", parse_file, FIELD(json), NULL, ALL, 0,
	  "write the same to FILE as a JSON object" },
	{ "seed", 0, "N", parse_count, FIELD(seed), NULL, RUN, 0,
	  "start of the random numbers that the guest can read\n"
	  "(default 0)" },
	{ "help", 'h', NULL, parse_flag, FIELD(help), NULL, ALL, 0, "print this text" },
	{ "version", 0, NULL, parse_flag, FIELD(version), NULL, ALL, 0,
	  "print the version and the engines of this build" },
};

const char *options_trace_file(const struct options *o)
{
	const char *file = o->trace ? strchr(o->trace, '=') : NULL;

	return file ? file + 1 : NULL;
}

const char *options_mmu_name(unsigned mmu)
{
	return mmu_names[mmu];
}

const char *options_tlb_name(unsigned tlb)
{
	return tlb_names[tlb];
}

#define HELP_COLUMN 27

static void row_help(const struct option_row *row, FILE *out)
{
	char left[64], spelling[32], letter[8] = "";

	if (row->name && row->letter)
		snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	snprintf(left, sizeof(left), "  %s%s%s%s", letter, row_spelling(row, spelling),
		 row->arg ? " " : "", row->arg ? row->arg : "");
	fprintf(out, "%-*s", HELP_COLUMN, left);
	if (strlen(left) >= HELP_COLUMN)
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	for (const char *line = row->help; line;) {
		const char *end = strchr(line, '\n');
		int len = end ? (int)(end - line) : (int)strlen(line);

		fprintf(out, "%.*s\n", len, line);
		if (end)
			fprintf(out, "%*s", HELP_COLUMN, "");
		line = end ? end + 1 : NULL;
	}
}

void options_help(enum options_command command, FILE *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].commands & command)
			row_help(&rows[i], out);
}

/* --- words ------------------------------------------------------------------------------------ */

#define SUGGEST_MAX 16u /* longer words are nobody's typing error */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/*
 * Edits that make `word` of `name`: insert, delete, replace (Levenshtein's distance). A word that
 * is the start of the name is one edit away, whatever is missing.
 */
static unsigned edit_distance(const char *word, size_t len, const char *name)
{
	unsigned row[SUGGEST_MAX + 1], columns = (unsigned)strlen(name);

	if (len > SUGGEST_MAX || columns > SUGGEST_MAX)
		return SUGGEST_MAX;
	if (len >= 2 && !strncmp(word, name, len))
		return 1;
	for (unsigned x = 0; x <= columns; x++)
		row[x] = x;
	for (unsigned y = 1; y <= len; y++) {
		unsigned diagonal = row[0];

		row[0] = y;
		for (unsigned x = 1; x <= columns; x++) {
			unsigned above = row[x];

			row[x] = min3(above + 1, row[x - 1] + 1,
				      diagonal + (word[y - 1] != name[x - 1]));
			diagonal = above;
		}
	}
	return row[columns];
}

/* One command line being parsed. */
struct parse {
	struct options *o;
	enum options_command command;
	int argc;
	char *const *argv;
};

/* An option that the command does not have; `len` leaves out "=value". */
static int option_unknown(const struct parse *p, const char *word, size_t len, struct diag *d)
{
	const struct option_row *best = NULL;
	unsigned least = 4; /* more than three edits is another word */
	char spelling[32];
	size_t dashes = strspn(word, "-");

	if (dashes > len)
		dashes = len;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned edits =
			rows[i].name ? edit_distance(word + dashes, len - dashes, rows[i].name)
			: len - dashes == 1 && word[dashes] == rows[i].letter ? 1
									      : SUGGEST_MAX;

		/* Not even half of the word right is no likeness. */
		if (rows[i].commands & p->command && edits < least &&
		    edits * 2 <= len - dashes + 1) {
			least = edits;
			best = &rows[i];
		}
	}
	if (best)
		return diag_set(d, EINVAL, "%.*s: no such option; did you mean %s?", (int)len, word,
				row_spelling(best, spelling));
	return diag_set(d, EINVAL, "%.*s: no such option; vmm %s--help lists them", (int)len, word,
			p->command == COMMAND_DOCTOR ? "doctor " : "");
}

/* The command's row of this name, or, without one, of this letter. */
static const struct option_row *row_find(const struct parse *p, const char *name, size_t len,
					 char letter)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct option_row *row = &rows[i];

		if (row->commands & p->command &&
		    (name ? row->name && strlen(row->name) == len && !memcmp(row->name, name, len)
			  : row->letter && row->letter == letter))
			return row;
	}
	return NULL;
}

/*
 * The option at argv[at]: "--name", "--name=value", "-l" or "-lvalue", with the value in the next
 * word otherwise. Returns how many words it took, or -EINVAL.
 */
static int option_take(const struct parse *p, int at, struct diag *d)
{
	const char *word = p->argv[at], *value = NULL;
	const struct option_row *row;
	char spelling[32];
	size_t len;
	int r, words = 1;

	if (word[1] == '-') {
		len = strcspn(word, "=");
		row = row_find(p, word + 2, len - 2, 0);
		value = word[len] ? word + len + 1 : NULL;
	} else {
		len = strlen(word);
		row = row_find(p, NULL, 0, word[1]);
		value = word[2] ? word + 2 : NULL;
		if (row && !row->arg && value)
			row = NULL;
	}
	if (!row)
		return option_unknown(p, word, len, d);
	row_spelling(row, spelling);
	if (!row->arg && value)
		return diag_set(d, EINVAL, "%s takes no value; leave out =%s", spelling, value);
	if (row->arg && !value) {
		if (at + 1 >= p->argc)
			return diag_set(d, EINVAL, "%s needs %s after it", spelling, row->arg);
		value = p->argv[at + 1];
		words = 2;
	}
	r = row->parse(row, value, (char *)p->o + row->field, d);
	if (row->feature & WANTS_SHADOW)
		p->o->of_shadow = row->name;
	p->o->wants |= row->feature & ~WANTS_SHADOW;
	return r < 0 ? r : words;
}

static int image_take(const struct parse *p, const char *word, struct diag *d)
{
	struct options *o = p->o;

	if (p->command == COMMAND_DOCTOR)
		return diag_set(d, EINVAL, "%s: vmm doctor takes no image; leave it out", word);
	if (o->image)
		return diag_set(d, EINVAL,
				"%s: a second image after %s; give one, and quote a "
				"value that holds blanks",
				word, o->image);
	o->image = word;
	return 0;
}

int options_parse(struct options *o, enum options_command command, int argc, char *const *argv,
		  struct diag *d)
{
	const struct parse p = { .o = o, .command = command, .argc = argc, .argv = argv };
	bool ended = false;
	int r;

	*o = (struct options){ .engine = "auto", .ram_bytes = 1ull << 30, .mmu = OPTIONS_MMU_AUTO };
	for (int i = 0; i < argc; i += r) {
		const char *word = argv[i];

		r = 1;
		if (!ended && !strcmp(word, "--")) {
			ended = true;
		} else if (!ended && word[0] == '-' && word[1]) {
			r = option_take(&p, i, d);
			if (r < 0 || o->help || o->version)
				return r < 0 ? r : 0;
		} else if (image_take(&p, word, d) < 0) {
			return -EINVAL;
		}
	}
	/* No limit asks for nothing. */
	if (!o->limit_insns)
		o->wants &= ~ENGINE_COUNTS_INSNS;
	if (o->of_shadow && o->mmu == ENGINE_MMU_DIRECT)
		return diag_set(d, EINVAL,
				"--%s: has no meaning with --mmu direct; use --mmu shadow",
				o->of_shadow);
	if (o->of_shadow)
		o->mmu = ENGINE_MMU_SHADOW;
	if (!o->image && command == COMMAND_RUN)
		return diag_set(d, EINVAL,
				"no image given; usage: vmm [run] IMAGE [OPTION]..., "
				"and vmm --help tells more");
	return 0;
}
