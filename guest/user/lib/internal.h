/* SPDX-License-Identifier: MIT */
/* What the files of the library share among themselves. */
#ifndef LIB_INTERNAL_H
#define LIB_INTERNAL_H

#include <signal.h>
#include <setjmp.h>

int main(int argc, char **argv, char **envp);
void start_c(uint32_t *stack) __attribute__((noreturn)); /* from start.S */

void restore(void);
void restore_rt(void);
int sigsetjmp_mask(struct sigjmp_buf *env);
void jump_to(const uint32_t regs[6], int value) __attribute__((noreturn));

#endif
