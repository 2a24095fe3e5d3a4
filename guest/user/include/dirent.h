/* SPDX-License-Identifier: MIT */
#ifndef _DIRENT_H
#define _DIRENT_H

#include <sys/types.h>

#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_REG 8
#define DT_LNK 10

/* struct linux_dirent64: what getdents64 writes. */
struct dirent {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
};

int getdents64(int fd, void *buf, size_t bytes);

#endif
