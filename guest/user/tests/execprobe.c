// SPDX-License-Identifier: MIT
/*
 * execprobe [WORD...]: tells what execve() gave it: its words, its environment, and what of the
 * auxiliary vector, the stack and the registers is not as the i386 ABI and Linux have it.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern char __text_start[], end[];
void _start(void);

static void must(int holds, const char *what)
{
	if (!holds)
		printf("wrong: %s\n", what);
}

static void check_auxv(void)
{
	const struct elf_phdr *phdr = (const struct elf_phdr *)getauxval(AT_PHDR);
	const uint8_t *seed = (const uint8_t *)getauxval(AT_RANDOM);
	unsigned any = 0;

	must(getauxval(AT_PAGESZ) == 4096, "AT_PAGESZ");
	must(getauxval(AT_PHENT) == sizeof(*phdr), "AT_PHENT");
	must(getauxval(AT_PHNUM) == 4, "AT_PHNUM");
	must(getauxval(AT_ENTRY) == (uint32_t)_start, "AT_ENTRY");
	must(getauxval(AT_BASE) == 0, "AT_BASE of a static program");
	must(getauxval(AT_CLKTCK) == 100, "AT_CLKTCK");
	must(auxv_present(AT_SECURE) && getauxval(AT_SECURE) == 0, "AT_SECURE");
	must(auxv_present(AT_UID), "AT_UID");
	must(strcmp((const char *)getauxval(AT_PLATFORM), "i686") == 0, "AT_PLATFORM");
	must(phdr[0].p_type == 1 && phdr[0].p_vaddr == 0x08048000, "AT_PHDR");
	for (int i = 0; i < 16; i++)
		any |= seed[i];
	must(any != 0, "AT_RANDOM");
	printf("execfn %s\n", (const char *)getauxval(AT_EXECFN));
}

/* argc, argv, NULL, envp, NULL, auxv upwards; strings above; 16-byte aligned at argc. */
static void check_stack(char **argv, char **envp)
{
	const uint32_t *strings = (const uint32_t *)argv[0];

	must((((uint32_t)argv - 4) & 15) == 0, "alignment of the stack");
	must((const uint32_t *)argv < strings, "strings lie above the vectors");
	must(!envp[0] || envp[0] > argv[0], "environment lies above the arguments");
	must((uint32_t)&strings > (uint32_t)end, "stack lies above the program");
}

int main(int argc, char **argv, char **envp)
{
	char comm[32] = "";
	int fd = open("/proc/self/comm", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, comm, sizeof(comm) - 1);

	comm[n > 0 ? n - 1 : 0] = '\0';
	printf("comm %s\nargc %d\n", comm, argc);
	for (int i = 0; i < argc; i++)
		printf("argv %s\n", argv[i]);
	for (char **p = envp; *p; p++)
		printf("envp %s\n", *p);
	check_auxv();
	check_stack(argv, envp);
	for (int f = 3; f < 16; f++)
		if (f != fd && fcntl(f, F_GETFD) >= 0)
			printf("open %d\n", f);
	return 13;
}
