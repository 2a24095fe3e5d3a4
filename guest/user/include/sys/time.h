/* SPDX-License-Identifier: MIT */
#ifndef _SYS_TIME_H
#define _SYS_TIME_H

#include <sys/types.h>

struct timeval {
	long tv_sec, tv_usec;
};

int gettimeofday(struct timeval *tv, void *zone);

#endif
