// SPDX-License-Identifier: MIT
#include "internal.h"
#include <stdlib.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

char **environ;
static const uint32_t *auxv;

static const uint32_t *auxv_find(unsigned long type)
{
	for (const uint32_t *a = auxv; a[0] != AT_NULL; a += 2)
		if (a[0] == type)
			return a;
	return NULL;
}

unsigned long getauxval(unsigned long type)
{
	const uint32_t *a = auxv_find(type);

	return a ? a[1] : 0;
}

int auxv_present(unsigned long type)
{
	return auxv_find(type) != NULL;
}

void start_c(uint32_t *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);
	char **p;

	environ = argv + argc + 1;
	for (p = environ; *p; p++)
		;
	auxv = (const uint32_t *)(p + 1);
	exit(main(argc, argv, environ));
}

void exit(int status)
{
	flush();
	_exit(status);
}

void abort(void)
{
	flush();
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	_exit(127);
}
