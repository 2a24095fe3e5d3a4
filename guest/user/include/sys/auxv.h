/* SPDX-License-Identifier: MIT */
#ifndef _SYS_AUXV_H
#define _SYS_AUXV_H

#include <stdint.h>

#define AT_NULL 0
#define AT_PHDR 3
#define AT_PHENT 4
#define AT_PHNUM 5
#define AT_PAGESZ 6
#define AT_BASE 7
#define AT_ENTRY 9
#define AT_UID 11
#define AT_PLATFORM 15
#define AT_CLKTCK 17
#define AT_SECURE 23
#define AT_RANDOM 25
#define AT_EXECFN 31

/* 0 if the kernel gave none; present tells. */
unsigned long getauxval(unsigned long type);
int auxv_present(unsigned long type);

#endif
