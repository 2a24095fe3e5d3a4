// SPDX-License-Identifier: MIT
/* sleep SECONDS, with a fraction if wanted: 0.25 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char *end;
	unsigned ms, digit = 100;

	if (argc != 2) {
		dprintf(STDERR_FILENO, "usage: sleep SECONDS\n");
		return 2;
	}
	ms = strtoul(argv[1], &end, 10) * 1000;
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9'; end++, digit /= 10)
			ms += digit * (unsigned)(*end - '0');
	while (ms)
		ms = sleep_ms(ms);
	return 0;
}
