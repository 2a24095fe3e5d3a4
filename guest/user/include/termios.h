/* SPDX-License-Identifier: MIT */
#ifndef _TERMIOS_H
#define _TERMIOS_H

#include <stdint.h>

#define NCCS 19
#define VINTR 0
#define VERASE 2
#define VEOF 4
#define VTIME 5
#define VMIN 6

#define ICRNL 0000400
#define IXON 0002000
#define OPOST 0000001
#define ISIG 0000001
#define ICANON 0000002
#define ECHO 0000010
#define TCSANOW 0

/* As the kernel has it, not as other libraries do. */
struct termios {
	uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line, c_cc[NCCS];
};

int tcgetattr(int fd, struct termios *t);
int tcsetattr(int fd, int when, const struct termios *t);

#endif
