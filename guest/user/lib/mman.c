// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(...) syscall_result(raw_syscall(__VA_ARGS__))

/* mmap2 counts the offset in pages; a result above 0x80000000 is an address and no error. */
void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	if (offset & 4095) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	return (void *)CALL(SYS_mmap2, addr, bytes, prot, flags, fd, (uint32_t)offset >> 12);
}

int munmap(void *addr, size_t bytes)
{
	return CALL(SYS_munmap, addr, bytes);
}

int mprotect(void *addr, size_t bytes, int prot)
{
	return CALL(SYS_mprotect, addr, bytes, prot);
}

void *mremap(void *old, size_t old_bytes, size_t new_bytes, int flags, ...)
{
	va_list args;
	void *to;

	va_start(args, flags);
	to = va_arg(args, void *);
	va_end(args);
	return (void *)CALL(SYS_mremap, old, old_bytes, new_bytes, flags, to);
}

int madvise(void *addr, size_t bytes, int advice)
{
	return CALL(SYS_madvise, addr, bytes, advice);
}

int mincore(void *addr, size_t bytes, unsigned char *resident)
{
	return CALL(SYS_mincore, addr, bytes, resident);
}

int msync(void *addr, size_t bytes, int flags)
{
	return CALL(SYS_msync, addr, bytes, flags);
}

int mlock(const void *addr, size_t bytes)
{
	return CALL(SYS_mlock, addr, bytes);
}

int munlock(const void *addr, size_t bytes)
{
	return CALL(SYS_munlock, addr, bytes);
}

void *sbrk(intptr_t more)
{
	uint32_t old = (uint32_t)raw_syscall(SYS_brk, 0), want = old + (uint32_t)more;

	if ((uint32_t)raw_syscall(SYS_brk, want) != want) {
		errno = ENOMEM;
		return (void *)-1;
	}
	return (void *)old;
}
