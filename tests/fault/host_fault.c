// SPDX-License-Identifier: MIT
/*
 * An LD_PRELOAD library that makes calls to the host fail as told by the environment variable
 * HOST_FAULT: faults separated by blanks, each
 *
 *	CALL:WHICH:RESULT[:after=N][:times=N][:every=N][:arg=NAME]
 *
 * CALL     ioctl, open, memfd_create, ftruncate, mmap
 * WHICH    ioctl: the request (KVM_RUN); open: the path; mmap: vcpu or shared; else: any
 * RESULT   an errno by name (ENOMEM), or =N: the call is not made and returns N
 * after    let that many pass first (default 0)
 * times    fail that many, then pass (default: all)
 * every    of those fail each N-th only (default 1)
 * arg      ioctl: only with this argument (KVM_CAP_IMMEDIATE_EXIT)
 *
 * EINTR of KVM_RUN comes as from the kernel: the access that was handed out is completed, and
 * then nothing runs. A fault that cannot be read ends the process with status 2, as a test would
 * otherwise pass for nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_FAULTS 8
#define ROW(name)                                                                                  \
	{                                                                                          \
#name, name                                                                        \
	}

struct name {
	const char *name;
	unsigned long value;
};

static const struct name requests[] = {
	ROW(KVM_GET_API_VERSION),
	ROW(KVM_CREATE_VM),
	ROW(KVM_CHECK_EXTENSION),
	ROW(KVM_GET_VCPU_MMAP_SIZE),
	ROW(KVM_GET_SUPPORTED_CPUID),
	ROW(KVM_CREATE_VCPU),
	ROW(KVM_SET_USER_MEMORY_REGION),
	ROW(KVM_SET_TSS_ADDR),
	ROW(KVM_SET_IDENTITY_MAP_ADDR),
	ROW(KVM_ENABLE_CAP),
	ROW(KVM_X86_SET_MSR_FILTER),
	ROW(KVM_RUN),
	ROW(KVM_GET_REGS),
	ROW(KVM_SET_REGS),
	ROW(KVM_GET_SREGS),
	ROW(KVM_SET_SREGS),
	ROW(KVM_INTERRUPT),
	ROW(KVM_GET_MSRS),
	ROW(KVM_SET_MSRS),
	ROW(KVM_SET_CPUID2),
	ROW(KVM_GET_VCPU_EVENTS),
	ROW(KVM_SET_VCPU_EVENTS),
	ROW(KVM_GET_DEBUGREGS),
	ROW(KVM_SET_DEBUGREGS),
};

static const struct name arguments[] = {
	ROW(KVM_CAP_IMMEDIATE_EXIT), ROW(KVM_CAP_USER_MEMORY),	      ROW(KVM_CAP_SYNC_REGS),
	ROW(KVM_CAP_X86_MSR_FILTER), ROW(KVM_CAP_X86_USER_SPACE_MSR), ROW(KVM_CAP_DEBUGREGS),
};

static const struct name errors[] = {
	ROW(EACCES), ROW(EAGAIN), ROW(EBUSY),  ROW(EEXIST), ROW(EFAULT), ROW(EINTR),
	ROW(EINVAL), ROW(EIO),	  ROW(EMFILE), ROW(ENFILE), ROW(ENODEV), ROW(ENOENT),
	ROW(ENOMEM), ROW(ENOSPC), ROW(ENOSYS), ROW(EPERM),
};

struct fault {
	char call[16], which[64];
	unsigned long request, arg;
	bool has_arg;
	int err; /* 0: return `value` */
	long value;
	unsigned after, times, every;
	unsigned seen, failed;
};

static struct fault faults[MAX_FAULTS];
static unsigned fault_count;
static bool ready;
static struct kvm_run *runs[MAX_FAULTS]; /* mapped vCPUs, by file descriptor in run_fds */
static int run_fds[MAX_FAULTS];
static unsigned run_count;

/* --- reading HOST_FAULT ----------------------------------------------------------------------- */

static void bad(const char *what, const char *text)
{
	fprintf(stderr, "host_fault: %s: \"%s\"\n", what, text);
	_exit(2);
}

static unsigned long look_up(const struct name *names, size_t count, const char *name)
{
	for (size_t n = 0; n < count; n++)
		if (!strcmp(names[n].name, name))
			return names[n].value;
	bad("no such name", name);
	return 0;
}

#define LOOK_UP(names, name) look_up(names, sizeof(names) / sizeof((names)[0]), name)

static void option_read(struct fault *f, const char *word)
{
	if (!strncmp(word, "after=", 6)) {
		f->after = (unsigned)atoi(word + 6);
	} else if (!strncmp(word, "times=", 6)) {
		f->times = (unsigned)atoi(word + 6);
	} else if (!strncmp(word, "every=", 6)) {
		f->every = (unsigned)atoi(word + 6);
	} else if (!strncmp(word, "arg=", 4)) {
		f->has_arg = true;
		f->arg = LOOK_UP(arguments, word + 4);
	} else {
		bad("no such option", word);
	}
}

static void fault_read(char *text)
{
	char *at = NULL, *call = strtok_r(text, ":", &at), *which = strtok_r(NULL, ":", &at);
	char *result = strtok_r(NULL, ":", &at);
	struct fault *f = &faults[fault_count++];

	if (!call || !which || !result || fault_count == MAX_FAULTS)
		bad("not CALL:WHICH:RESULT", text);
	*f = (struct fault){ .times = ~0u, .every = 1 };
	snprintf(f->call, sizeof(f->call), "%s", call);
	snprintf(f->which, sizeof(f->which), "%s", which);
	if (!strcmp(call, "ioctl"))
		f->request = LOOK_UP(requests, which);
	if (result[0] == '=')
		f->value = atol(result + 1);
	else
		f->err = (int)LOOK_UP(errors, result);
	for (char *word = strtok_r(NULL, ":", &at); word; word = strtok_r(NULL, ":", &at))
		option_read(f, word);
	if (!f->every)
		bad("every=0", which);
}

static void faults_read(void)
{
	const char *text = getenv("HOST_FAULT");
	char *copy = text ? strdup(text) : NULL, *at = NULL;

	ready = true;
	for (char *one = copy ? strtok_r(copy, " ", &at) : NULL; one;
	     one = strtok_r(NULL, " ", &at))
		fault_read(one);
	free(copy);
}

/* The fault that hits this call now, or NULL. */
static struct fault *fault_due(const char *call, const char *which, unsigned long request,
			       unsigned long arg)
{
	if (!ready)
		faults_read();
	for (unsigned n = 0; n < fault_count; n++) {
		struct fault *f = &faults[n];

		if (strcmp(f->call, call) || (which && strcmp(f->which, which)) ||
		    (!which && f->request != request) || (f->has_arg && f->arg != arg))
			continue;
		if (f->seen++ < f->after || f->failed >= f->times ||
		    (f->seen - f->after) % f->every)
			continue;
		f->failed++;
		return f;
	}
	return NULL;
}

static long fail(const struct fault *f)
{
	if (!f->err)
		return f->value;
	errno = f->err;
	return -1;
}

/* --- the calls -------------------------------------------------------------------------------- */

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

typedef int ioctl_fn(int fd, unsigned long request, ...);

/* As the kernel does it when a signal is pending: finish the access, run nothing. */
static int interrupted_run(ioctl_fn *real, int fd, const struct fault *f)
{
	/* the last one first: the probe's descriptor may be in use again */
	for (unsigned n = run_count; n-- > 0;) {
		uint8_t before;
		int r;

		if (run_fds[n] != fd)
			continue;
		before = __atomic_exchange_n(&runs[n]->immediate_exit, 1, __ATOMIC_SEQ_CST);
		r = real(fd, KVM_RUN, 0);
		if (!before)
			runs[n]->immediate_exit = 0;
		return r;
	}
	return (int)fail(f);
}

int ioctl(int fd, unsigned long request, ...)
{
	ioctl_fn *real = (ioctl_fn *)next("ioctl");
	struct fault *f;
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	f = fault_due("ioctl", NULL, request, (unsigned long)arg);
	if (f && request == KVM_RUN && f->err == EINTR)
		return interrupted_run(real, fd, f);
	return f ? (int)fail(f) : real(fd, request, arg);
}

int open(const char *path, int flags, ...)
{
	int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))next("open");
	struct fault *f = fault_due("open", path, 0, 0);
	mode_t mode = 0;
	va_list args;

	if (flags & O_CREAT) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return f ? (int)fail(f) : real(path, flags, mode);
}

int memfd_create(const char *name, unsigned flags)
{
	int (*real)(const char *, unsigned) = (int (*)(const char *, unsigned))next("memfd_create");
	struct fault *f = fault_due("memfd_create", "any", 0, 0);

	return f ? (int)fail(f) : real(name, flags);
}

int ftruncate(int fd, off_t length)
{
	int (*real)(int, off_t) = (int (*)(int, off_t))next("ftruncate");
	struct fault *f = fault_due("ftruncate", "any", 0, 0);

	return f ? (int)fail(f) : real(fd, length);
}

static bool is_vcpu(int fd)
{
	char path[64], name[64];
	ssize_t bytes;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	bytes = fd >= 0 ? readlink(path, name, sizeof(name) - 1) : -1;
	if (bytes < 0)
		return false;
	name[bytes] = 0;
	return strstr(name, "kvm-vcpu");
}

void *mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	void *(*real)(void *, size_t, int, int, int, off_t) =
		(void *(*)(void *, size_t, int, int, int, off_t))next("mmap");
	bool vcpu = flags & MAP_SHARED && is_vcpu(fd);
	struct fault *f = NULL;
	void *r;

	if (flags & MAP_SHARED)
		f = fault_due("mmap", vcpu ? "vcpu" : "shared", 0, 0);
	if (f) {
		fail(f);
		return MAP_FAILED;
	}
	r = real(at, bytes, prot, flags, fd, offset);
	if (vcpu && r != MAP_FAILED && run_count < MAX_FAULTS) {
		runs[run_count] = r;
		run_fds[run_count++] = fd;
	}
	return r;
}
