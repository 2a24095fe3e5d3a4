/* SPDX-License-Identifier: MIT */
#ifndef _TIME_H
#define _TIME_H

#include <sys/types.h>

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1

typedef long time_t;
struct timespec {
	time_t tv_sec;
	long tv_nsec;
};

int clock_gettime(int clock, struct timespec *ts);
int nanosleep(const struct timespec *time, struct timespec *left);
time_t time(time_t *t);

#endif
