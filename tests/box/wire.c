// SPDX-License-Identifier: MIT
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int write_all(int fd, const void *data, size_t length)
{
	const uint8_t *p = data;

	while (length) {
		ssize_t n = write(fd, p, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		length -= (size_t)n;
	}
	return 0;
}

int wire_send(int fd, enum wire_type type, const void *data, size_t length)
{
	uint8_t frame[sizeof(struct wire_head) + WIRE_MAX];
	struct wire_head head = { .type = type, .length = (uint32_t)length };

	if (length > WIRE_MAX)
		return -EMSGSIZE;
	memcpy(frame, &head, sizeof(head));
	if (length)
		memcpy(frame + sizeof(head), data, length);
	return write_all(fd, frame, sizeof(head) + length);
}

int wire_fill(struct wire_reader *r, int fd)
{
	ssize_t n = read(fd, r->bytes + r->have, sizeof(r->bytes) - r->have);

	if (n < 0)
		return -errno;
	r->have += (size_t)n;
	return (int)n;
}

int wire_next(const struct wire_reader *r, struct wire_head *head, const uint8_t **data)
{
	if (r->have < sizeof(*head))
		return 0;
	memcpy(head, r->bytes, sizeof(*head));
	if (head->length > WIRE_MAX)
		return -EPROTO;
	*data = r->bytes + sizeof(*head);
	return r->have >= sizeof(*head) + head->length;
}

void wire_drop(struct wire_reader *r)
{
	struct wire_head head;
	size_t size;

	memcpy(&head, r->bytes, sizeof(head));
	size = sizeof(head) + head.length;
	r->have -= size;
	memmove(r->bytes, r->bytes + size, r->have);
}
