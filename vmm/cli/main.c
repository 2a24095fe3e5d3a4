// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/types.h"
#include "cli/doctor.h"
#include "cli/jail.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/run.h"
#include "cli/signals.h"
#include "engine/engine.h"

/* What `vmm WORD` does; the first one is meant where no word of this table is given. */
static const struct subcommand {
	const char *name;
	enum options_command command;
	const char *usage;
	const char *help;
	int (*fn)(const struct options *o);
} subcommands[] = {
	{ "run", COMMAND_RUN, "IMAGE [OPTION]...", "boot IMAGE and run it to its end", run_image },
	{ "doctor", COMMAND_DOCTOR, "[--json FILE]", "tell what this host can do, and how fast",
	  doctor_run },
};

static const struct {
	int status;
	const char *help;
} statuses[] = {
	{ 0, "to 99: what the guest wrote to its exit port" },
	{ 100, "the guest panicked or triple-faulted, or wrote more than 99" },
	{ 101, "time or instruction limit reached" },
	{ 102, "bad image or option, or a host that cannot do it" },
	{ 103, "reserved for expectations that fail (scripts, later)" },
	{ 104, "a failure of the host or of vmm" },
	{ 128, "+ N: ended by signal N" },
};

static void help_of_all(void)
{
	printf("vmm runs a 32-bit x86 guest image in a sandbox.\n\n"
	       "usage: vmm [%s] %s\n",
	       subcommands[0].name, subcommands[0].usage);
	for (unsigned i = 1; i < ARRAY_SIZE(subcommands); i++)
		printf("       vmm %s %s\n", subcommands[i].name, subcommands[i].usage);
	printf("\ncommands:\n");
	for (unsigned i = 0; i < ARRAY_SIZE(subcommands); i++)
		printf("  %-23s %s%s\n", subcommands[i].name, subcommands[i].help,
		       i ? "" : " (may be left out)");
	printf("\noptions, before or after IMAGE, as --name VALUE or --name=VALUE; the last of "
	       "two wins:\n");
	options_help(COMMAND_RUN, stdout);
	printf("\nexit status:\n");
	for (unsigned i = 0; i < ARRAY_SIZE(statuses); i++)
		printf("  %-3d %s\n", statuses[i].status, statuses[i].help);
	printf("\nCtrl-A x leaves a guest that has the terminal. man vmm tells more.\n");
}

static void help_print(const struct subcommand *command)
{
	if (command == &subcommands[0]) {
		help_of_all();
		return;
	}
	printf("vmm %s: %s.\n\nusage: vmm %s %s\n\noptions:\n", command->name, command->help,
	       command->name, command->usage);
	options_help(command->command, stdout);
	printf("\nThe status is 0 if any engine works here. man vmm tells more.\n");
}

static void version_print(void)
{
	printf("vmm %s\nengines:", VMM_VERSION);
	for (unsigned i = 0; engine_list[i]; i++)
		printf(" %s", engine_list[i]->name);
	printf("\n");
}

/*
 * A descriptor 0, 1 or 2 that the parent closed would be given to the next file opened, and the
 * guest's console would write into it.
 */
static int descriptors_fill(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* Several times what vmm and its libraries use. */
#define STACK_MIN_BYTES (1u << 20)

/* A stack that ends in the middle of a run is a crash without a word. */
static bool stack_suffices(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur >= STACK_MIN_BYTES)
		return true;
	report_line("the stack is limited to %llu KiB; raise that: ulimit -s %u",
		    (unsigned long long)limit.rlim_cur >> 10, STACK_MIN_BYTES >> 10);
	return false;
}

#if JAIL_SANITIZED
/*
 * The leak check at exit stops its process by a tracer, which the jail has no calls for. The unit
 * tests, which have no jail, look for leaks.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

/* --help or --version. Who pipes it into head(1) wants no message. */
static int text_print(const struct subcommand *command, bool help)
{
	signal(SIGPIPE, SIG_DFL);
	if (help)
		help_print(command);
	else
		version_print();
	if (fflush(stdout) || ferror(stdout)) {
		report_line("cannot write to stdout: %s", strerror(errno));
		return STATUS_FAILED;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct subcommand *command = &subcommands[0];
	struct diag d = { .text = "" };
	struct options o;
	int words = 1;

	if (descriptors_fill() < 0)
		return STATUS_FAILED;
	signals_ignore();
	if (!stack_suffices())
		return STATUS_REFUSED;
	for (unsigned i = 0; i < ARRAY_SIZE(subcommands) && argc > 1; i++)
		if (!strcmp(argv[1], subcommands[i].name)) {
			command = &subcommands[i];
			words = 2;
		}
	if (argc < words)
		words = argc;
	if (options_parse(&o, command->command, argc - words, argv + words, &d) < 0) {
		report_line("%s", d.text);
		return STATUS_REFUSED;
	}
	return o.help || o.version ? text_print(command, o.help) : command->fn(&o);
}
