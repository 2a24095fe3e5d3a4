// SPDX-License-Identifier: MIT
#include "sh.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define MAX_JOBS 64

/* Those of which nobody has said yet that they ended. A slot with pid 0 is free. */
static struct {
	pid_t pid;
	char text[60];
} jobs[MAX_JOBS];

void job_started(pid_t pid, const char *text)
{
	shell.last_background = pid;
	for (int i = 0; i < MAX_JOBS; i++) {
		if (!jobs[i].pid) {
			jobs[i].pid = pid;
			strlcpy(jobs[i].text, text, sizeof(jobs[i].text));
			break;
		}
	}
	if (shell.interactive)
		printf("[%d]\n", pid);
}

static void ended(int i, int wait_status)
{
	int status = status_of(wait_status);

	if (shell.interactive && WIFSIGNALED(wait_status))
		printf("[%d] %s  %s\n", jobs[i].pid, strsignal(WTERMSIG(wait_status)),
		       jobs[i].text);
	else if (shell.interactive && status)
		printf("[%d] status %d  %s\n", jobs[i].pid, status, jobs[i].text);
	else if (shell.interactive)
		printf("[%d] done  %s\n", jobs[i].pid, jobs[i].text);
	jobs[i].pid = 0;
}

void jobs_report(void)
{
	int status;

	for (int i = 0; i < MAX_JOBS; i++)
		if (jobs[i].pid && waitpid(jobs[i].pid, &status, WNOHANG) == jobs[i].pid)
			ended(i, status);
}

void jobs_list(void)
{
	jobs_report();
	for (int i = 0; i < MAX_JOBS; i++)
		if (jobs[i].pid)
			printf("[%d] running  %s\n", jobs[i].pid, jobs[i].text);
}

int jobs_wait(pid_t pid)
{
	int result = pid ? 127 : 0;

	for (int i = 0; i < MAX_JOBS; i++) {
		int status;

		if (!jobs[i].pid || (pid && jobs[i].pid != pid))
			continue;
		if (waitpid(jobs[i].pid, &status, 0) < 0) {
			if (errno == EINTR)
				return 130;
			status = 127 << 8;
		}
		result = pid ? status_of(status) : 0;
		ended(i, status);
	}
	return result;
}
