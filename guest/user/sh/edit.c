// SPDX-License-Identifier: MIT
/*
 * Line editing on a terminal in raw mode, which understands what a VT100 does.
 */
#include "sh.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define HISTORY 32
#define CTRL(c) ((c)&31)

enum key { KEY_UP = 256, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, KEY_DELETE, KEY_NONE };

struct editor {
	const char *prompt;
	char *text;
	size_t length, cursor, size;
	int entry; /* of the history that is shown; history_count: the new line */
	int done;  /* 1: entered, -1: the end of input */
};

static char *history[HISTORY];
static int history_count;

static void remember(const char *line)
{
	if (!*line || (history_count && strcmp(history[history_count - 1], line) == 0))
		return;
	if (history_count == HISTORY) {
		free(history[0]);
		memmove(history, history + 1, (HISTORY - 1) * sizeof(history[0]));
		history_count--;
	}
	history[history_count] = strdup(line);
	if (history[history_count])
		history_count++;
}

static size_t columns(void)
{
	struct winsize ws;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 20 ? ws.ws_col : 80;
}

/* A line longer than the terminal scrolls sideways. */
static void draw(const struct editor *e)
{
	size_t room = columns() - 1 - strlen(e->prompt), first, shown;

	first = e->cursor > room ? e->cursor - room : 0;
	shown = e->length - first < room ? e->length - first : room;
	printf("\r%s%.*s\033[K", e->prompt, (int)shown, e->text + first);
	printf("\r\033[%uC", (unsigned)(strlen(e->prompt) + e->cursor - first));
	flush();
}

static int read_byte(void)
{
	unsigned char c;
	ssize_t n;

	while ((n = read(STDIN_FILENO, &c, 1)) < 0 && errno == EINTR)
		;
	return n == 1 ? c : -1;
}

/* What follows an escape: [A, OA, [3~ and the like. */
static int read_escape(void)
{
	int c = read_byte(), number = 0;

	if (c != '[' && c != 'O')
		return KEY_NONE;
	while ((c = read_byte()) >= '0' && c <= '9')
		number = number * 10 + c - '0';
	switch (c) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'C':
		return KEY_RIGHT;
	case 'D':
		return KEY_LEFT;
	case 'H':
		return KEY_HOME;
	case 'F':
		return KEY_END;
	case '~':
		return number == 1 || number == 7   ? KEY_HOME
		       : number == 4 || number == 8 ? KEY_END
		       : number == 3		    ? KEY_DELETE
						    : KEY_NONE;
	default:
		return KEY_NONE;
	}
}

static void cut(struct editor *e, size_t from, size_t to)
{
	memmove(e->text + from, e->text + to, e->length - to + 1);
	e->length -= to - from;
	e->cursor = from;
}

static void insert(struct editor *e, const char *text, size_t n)
{
	if (e->length + n >= e->size)
		return;
	memmove(e->text + e->cursor + n, e->text + e->cursor, e->length - e->cursor + 1);
	memcpy(e->text + e->cursor, text, n);
	e->length += n;
	e->cursor += n;
}

static size_t word_before(const struct editor *e)
{
	size_t i = e->cursor;

	while (i && e->text[i - 1] == ' ')
		i--;
	while (i && e->text[i - 1] != ' ')
		i--;
	return i;
}

static void recall(struct editor *e, int entry)
{
	if (entry < 0 || entry > history_count)
		return;
	e->entry = entry;
	strlcpy(e->text, entry < history_count ? history[entry] : "", e->size);
	e->length = e->cursor = strlen(e->text);
}

static void complete_here(struct editor *e)
{
	char common[LINE_MAX];
	size_t start = e->cursor, n;
	const char *rest;
	int count;

	while (start && !strchr(" \t|&;<>", e->text[start - 1]))
		start--;
	count = complete(e->text, start, e->cursor, common, sizeof(common), 0);
	if (!count)
		return;
	/* The common part begins after the last slash of what is typed. */
	for (n = 0; start + n < e->cursor; n++)
		if (e->text[start + n] == '/') {
			start += n + 1;
			n = (size_t)-1;
		}
	rest = common + (e->cursor - start);
	if (*rest) {
		insert(e, rest, strlen(rest));
	} else if (count > 1) {
		putchar('\n');
		for (start = e->cursor; start && !strchr(" \t|&;<>", e->text[start - 1]);)
			start--;
		complete(e->text, start, e->cursor, common, sizeof(common), 1);
		return;
	}
	if (count == 1 && e->text[e->cursor - 1] != '/')
		insert(e, " ", 1);
}

static void move_key(struct editor *e, int key)
{
	if ((key == KEY_LEFT || key == CTRL('B')) && e->cursor)
		e->cursor--;
	else if ((key == KEY_RIGHT || key == CTRL('F')) && e->cursor < e->length)
		e->cursor++;
	else if (key == KEY_HOME || key == CTRL('A'))
		e->cursor = 0;
	else if (key == KEY_END || key == CTRL('E'))
		e->cursor = e->length;
	else if (key == KEY_UP || key == CTRL('P'))
		recall(e, e->entry - 1);
	else if (key == KEY_DOWN || key == CTRL('N'))
		recall(e, e->entry + 1);
}

static void cut_key(struct editor *e, int key)
{
	if ((key == 127 || key == CTRL('H')) && e->cursor)
		cut(e, e->cursor - 1, e->cursor);
	else if ((key == KEY_DELETE || key == CTRL('D')) && e->cursor < e->length)
		cut(e, e->cursor, e->cursor + 1);
	else if (key == CTRL('U'))
		cut(e, 0, e->cursor);
	else if (key == CTRL('W'))
		cut(e, word_before(e), e->cursor);
	else if (key == CTRL('K')) {
		e->length = e->cursor;
		e->text[e->length] = '\0';
	}
}

static void handle_key(struct editor *e, int key)
{
	char c = (char)key;

	if (key == '\r' || key == '\n') {
		e->done = 1;
	} else if (key < 0 || (key == CTRL('D') && !e->length)) {
		e->done = -1;
	} else if (key == CTRL('C')) {
		puts("^C");
		e->length = e->cursor = 0;
		e->text[0] = '\0';
	} else if (key == CTRL('L')) {
		printf("\033[H\033[2J");
	} else if (key == '\t') {
		complete_here(e);
	} else if (key >= ' ' && key != 127 && key < 256) {
		insert(e, &c, 1);
	} else {
		move_key(e, key);
		cut_key(e, key);
	}
}

int edit_line(const char *prompt, char *line, size_t size)
{
	struct editor e = { .prompt = prompt, .text = line, .size = size, .entry = history_count };
	struct termios before, raw;

	tcgetattr(STDIN_FILENO, &before);
	raw = before;
	raw.c_iflag &= ~(uint32_t)IXON; /* not ICRNL: what is typed ahead is for the next program */
	raw.c_lflag &= ~(uint32_t)(ICANON | ECHO | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	line[0] = '\0';
	while (!e.done) {
		int key;

		draw(&e);
		key = read_byte();
		handle_key(&e, key == 27 ? read_escape() : key);
	}
	e.cursor = e.length;
	draw(&e);
	putchar('\n');
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	remember(line);
	return e.done < 0 ? -1 : (int)e.length;
}
