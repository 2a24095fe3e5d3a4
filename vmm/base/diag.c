// SPDX-License-Identifier: MIT
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>

int diag_set(struct diag *d, int err, const char *fmt, ...)
{
	va_list args;

	if (!d || d->text[0])
		return -err;
	va_start(args, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, args);
	va_end(args);
	for (unsigned char *p = (unsigned char *)d->text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	return -err;
}
