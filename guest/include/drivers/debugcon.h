/* SPDX-License-Identifier: MIT */
/* The debug console: bytes written to port 0xe9 appear on the host, where there is one. */
#ifndef DRIVERS_DEBUGCON_H
#define DRIVERS_DEBUGCON_H

#include <lib/types.h>

void debugcon_write(const char *s, size_t n);

#endif
