// SPDX-License-Identifier: MIT
/*
 * What the two ends of the box say to each other over one virtio-serial port: frames, each a head
 * and up to WIRE_MAX bytes. One ordered stream carries everything, so that when WIRE_EXIT arrives
 * all output written before it has arrived, too.
 *
 * host to box:  START once, then INPUT (one for each MORE; empty: end of input), SIGNAL, WINDOW
 * box to host:  STARTED, MORE, OUTPUT, ERRORS, RESULTS (a tar stream), and EXIT as the last
 *
 * Both ends are built together for one machine: integers are in its byte order.
 */
#ifndef TESTS_BOX_WIRE_H
#define TESTS_BOX_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX 65536u

enum wire_type {
	WIRE_START = 1, /* struct wire_start, then strings: folder, TERM=value, argv[0], ... */
	WIRE_INPUT,
	WIRE_SIGNAL, /* uint32_t: its number */
	WIRE_WINDOW, /* struct wire_window */
	WIRE_STARTED,
	WIRE_MORE,
	WIRE_OUTPUT,
	WIRE_ERRORS,
	WIRE_RESULTS,
	WIRE_EXIT, /* uint32_t: exit status */
};

struct wire_head {
	uint32_t type, length;
};

struct wire_window {
	uint16_t rows, columns;
};

struct wire_start {
	uint32_t terminals; /* bit n: stream n of the command is the box's terminal */
	struct wire_window window;
};

struct wire_reader {
	size_t have;
	uint8_t bytes[sizeof(struct wire_head) + WIRE_MAX];
};

/* Sends one frame whole. @return 0, or a negative errno. */
int wire_send(int fd, enum wire_type type, const void *data, size_t length);

/* One read() into the reader. @return bytes read, 0 at the end, or a negative errno. */
int wire_fill(struct wire_reader *r, int fd);

/*
 * The first frame, if it is complete; its data stay valid until wire_drop or wire_fill.
 * @return 1, 0 if more bytes are needed, -EPROTO if the other end does not speak this.
 */
int wire_next(const struct wire_reader *r, struct wire_head *head, const uint8_t **data);

/* Forgets the first frame, which must be complete. */
void wire_drop(struct wire_reader *r);

/* write() until everything is written. @return 0, or a negative errno. */
int write_all(int fd, const void *data, size_t length);

#endif
