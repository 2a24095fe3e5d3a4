// SPDX-License-Identifier: MIT
#include "mm/show.h"

#include "mm/arch.h"

const struct show_file show_files[] = {
	{ "buddyinfo", show_buddyinfo },     { "zoneinfo", show_zoneinfo },
	{ "meminfo", show_meminfo },	     { "slabinfo", show_slabinfo },
	{ "vmallocinfo", show_vmallocinfo }, { "iomem", show_iomem },
	{ "page_tables", show_page_tables }, { NULL, NULL },
};

const struct show_file *show_find(const char *name)
{
	for (const struct show_file *f = show_files; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

void show_printf(struct show_buf *b, const char *fmt, ...)
{
	size_t room = b->needed < b->bytes ? b->bytes - b->needed : 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(room ? b->text + b->needed : NULL, room, fmt, args);
	va_end(args);
	if (n > 0)
		b->needed += (size_t)n;
}
