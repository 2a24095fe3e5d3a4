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

void show_files_named(const char *names)
{
	if (!strcmp(names, "all")) {
		for (const struct show_file *f = show_files; f->name; f++)
			print_file(f);
		return;
	}
	while (*names) {
		size_t n = 0;
		char name[NAME_MAX];
		const struct show_file *f;

		while (names[n] && names[n] != ',')
			n++;
		strlcpy(name, names, n < NAME_MAX ? n + 1 : NAME_MAX);
		f = n < NAME_MAX ? show_find(name) : NULL;
		if (f)
			print_file(f);
		else
			printk("show=%.*s ignored: there is no such file\n", (int)n, names);
		names += names[n] ? n + 1 : n;
	}
}
