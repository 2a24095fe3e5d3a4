// SPDX-License-Identifier: MIT
/*
 * Which system calls there are, by number. What is missing is -ENOSYS, and counted.
 */
#include <kernel/syscall.h>

/* clang-format off */
#define SYSCALLS(X)                                                                                \
	X(1, exit)                X(2, fork)                X(3, read)                      \
	X(4, write)               X(5, open)                X(6, close)                     \
	X(7, waitpid)             X(8, creat)               X(11, execve)                   \
	X(12, chdir)              X(13, time)               X(19, lseek)                    \
	X(20, getpid)             X(24, getuid)             X(29, pause)                    \
	X(33, access)             X(37, kill)               X(41, dup)                      \
	X(42, pipe)               X(43, times)              X(45, brk)                      \
	X(47, getgid)             X(48, signal)             X(49, geteuid)                  \
	X(50, getegid)            X(54, ioctl)              X(55, fcntl64)                  \
	X(57, setpgid)            X(60, umask)              X(63, dup2)                     \
	X(64, getppid)            X(65, getpgrp)            X(66, setsid)                   \
	X(67, sigaction)          X(75, setrlimit)          X(76, old_getrlimit)            \
	X(77, getrusage)          X(78, gettimeofday)       X(85, readlink)                 \
	X(90, old_mmap)           X(91, munmap)             X(106, newstat)                 \
	X(107, newlstat)          X(108, newfstat)          X(114, wait4)                   \
	X(116, sysinfo)           X(119, sigreturn)         X(120, clone)                   \
	X(122, uname)             X(125, mprotect)          X(126, sigprocmask)             \
	X(132, getpgid)           X(133, fchdir)            X(140, llseek)                  \
	X(141, getdents)          X(144, msync)             X(145, readv)                   \
	X(146, writev)            X(147, getsid)            X(150, mlock)                   \
	X(151, munlock)           X(152, mlockall)          X(153, munlockall)              \
	X(158, sched_yield)       X(162, nanosleep)         X(163, mremap)                  \
	X(168, poll)              X(172, prctl)             X(173, rt_sigreturn)            \
	X(174, rt_sigaction)      X(175, rt_sigprocmask)    X(176, rt_sigpending)           \
	X(179, rt_sigsuspend)     X(180, pread64)           X(181, pwrite64)                \
	X(183, getcwd)            X(186, sigaltstack)       X(190, vfork)                   \
	X(191, getrlimit)         X(192, mmap2)             X(195, stat64)                  \
	X(196, lstat64)           X(197, fstat64)           X(199, getuid)                  \
	X(200, getgid)            X(201, geteuid)           X(202, getegid)                 \
	X(218, mincore)           X(219, madvise)           X(220, getdents64)              \
	X(221, fcntl64)           X(224, gettid)            X(238, tkill)                   \
	X(243, set_thread_area)   X(244, get_thread_area)   X(252, exit)                    \
	X(258, set_tid_address)   X(265, clock_gettime)     X(266, clock_getres)            \
	X(267, clock_nanosleep)   X(270, tgkill)            X(295, openat)                  \
	X(300, fstatat64)         X(305, readlinkat)        X(307, faccessat)               \
	X(330, dup3)              X(331, pipe2)             X(340, prlimit64)               \
	X(355, getrandom)         X(383, statx)             X(403, clock_gettime64)         \
	X(407, clock_nanosleep64) X(439, faccessat2)
/* clang-format on */

#define DECLARE(nr, fn) int32_t sys_##fn(const struct syscall_args *args);
SYSCALLS(DECLARE)

#define ROW(nr, fn) [nr] = { #fn, sys_##fn },
const struct syscall syscall_table[NR_SYSCALLS] = { SYSCALLS(ROW) };
