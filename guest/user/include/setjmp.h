/* SPDX-License-Identifier: MIT */
#ifndef _SETJMP_H
#define _SETJMP_H

#include <stdint.h>

/* EBX, ESI, EDI, EBP, ESP, EIP; was the mask saved; the mask. */
typedef struct sigjmp_buf {
	uint32_t regs[6];
	uint32_t saved;
	uint64_t mask;
} jmp_buf[1], sigjmp_buf[1];

int sigsetjmp(sigjmp_buf env, int save) __attribute__((returns_twice));
void siglongjmp(sigjmp_buf env, int value) __attribute__((noreturn));
#define setjmp(env) sigsetjmp(env, 0)
#define longjmp(env, value) siglongjmp(env, value)

#endif
