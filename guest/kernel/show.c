// SPDX-License-Identifier: MIT
#include <kernel/printk.h>
#include <kernel/show.h>
#include <lib/string.h>

#include "mm/page_alloc.h"
#include "mm/show.h"

/* Most texts fit; to take pages from the allocator would change what it shows. */
#define TEXT_BYTES 8192
#define NAME_MAX 32

/* printk() takes less than a text at once. */
static void print_text(const char *text)
{
	while (*text) {
		int n = (int)strnlen(text, PRINTK_MAX - 1);

		printk("%.*s", n, text);
		text += n;
	}
}

static void print_large(const struct show_file *f, size_t bytes)
{
	struct show_buf b = { .bytes = bytes };

	b.text = alloc_pages_exact(bytes, GFP_KERNEL);
	if (!b.text) {
		printk("show=%s: no memory for %zu bytes\n", f->name, bytes);
		return;
	}
	f->show(&b);
	print_text(b.text);
	free_pages_exact(b.text, bytes);
}

static void print_file(const struct show_file *f)
{
	static char text[TEXT_BYTES];
	struct show_buf b = { text, sizeof(text), 0 };

	text[0] = '\0';
	printk("--- %s ---\n", f->name);
	f->show(&b);
	if (b.needed < sizeof(text))
		print_text(text);
	else
		print_large(f, b.needed + PAGE_SIZE); /* it may grow by what it needs itself */
}

/* Up to the comma. */
static size_t word_length(const char *s)
{
	size_t n = 0;

	while (s[n] && s[n] != ',')
		n++;
	return n;
}

/* The first of names, "" if it is too long to be one; returns where the next begins. */
static const char *next_name(const char *names, char name[NAME_MAX])
{
	size_t n = word_length(names);

	strlcpy(name, names, n < NAME_MAX ? n + 1 : 1);
	return names + n + (names[n] != '\0');
}

void show_files_named(const char *names)
{
	if (!strcmp(names, "all")) {
		for (const struct show_file *f = show_files; f->name; f++)
			print_file(f);
		return;
	}
	while (*names) {
		char name[NAME_MAX];
		const char *word = names;
		const struct show_file *f;

		names = next_name(names, name);
		f = show_find(name);
		if (f)
			print_file(f);
		else if (strcmp(name, SHOW_SYSCALLS))
			printk("show=%.*s ignored: there is no such file\n", (int)word_length(word),
			       word);
	}
}

bool show_asks_for(const char *names, const char *name)
{
	while (*names) {
		char asked[NAME_MAX];

		names = next_name(names, asked);
		if (!strcmp(asked, name))
			return true;
	}
	return false;
}
