// SPDX-License-Identifier: MIT
/*
 * Received bytes are worked on in the interrupt handler: signals, echo and editing happen when a
 * key is pressed, whether or not somebody reads. What does not fit stays in the UART's ring, and at
 * last with the host.
 */
#include <arch/processor.h>
#include <drivers/tty.h>
#include <drivers/uart.h>
#include <kernel/fs.h>
#include <kernel/params.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>
#include <lib/string.h>

#include "mm/errno.h"

/* include/uapi/asm-generic/termbits.h */
#define ICRNL 0000400u
#define INLCR 0000100u
#define IGNCR 0000200u
#define IXON 0002000u
#define OPOST 0000001u
#define ONLCR 0000004u
#define CS8 0000060u
#define CREAD 0000200u
#define HUPCL 0002000u
#define B115200 0010002u
#define ISIG 0000001u
#define ICANON 0000002u
#define ECHO 0000010u
#define ECHOE 0000020u
#define ECHOK 0000040u
#define ECHONL 0000100u
#define NOFLSH 0000200u
#define ECHOCTL 0001000u
#define ECHOKE 0004000u
#define IEXTEN 0100000u

enum {
	VINTR,
	VQUIT,
	VERASE,
	VKILL,
	VEOF,
	VTIME,
	VMIN,
	VSWTC,
	VSTART,
	VSTOP,
	VSUSP,
	VEOL,
	VREPRINT,
	VDISCARD,
	VWERASE,
	VLNEXT,
	VEOL2,
	NCCS = 19
};

#define TCGETS 0x5401u
#define TCSETS 0x5402u
#define TCSETSW 0x5403u
#define TCSETSF 0x5404u
#define TCSBRK 0x5409u
#define TCXONC 0x540au
#define TCFLSH 0x540bu
#define TIOCSCTTY 0x540eu
#define TIOCGPGRP 0x540fu
#define TIOCSPGRP 0x5410u
#define TIOCGWINSZ 0x5413u
#define TIOCSWINSZ 0x5414u
#define FIONREAD 0x541bu
#define TIOCNOTTY 0x5422u
#define TIOCGSID 0x5429u

#define TTY_BYTES 4096u	 /* a power of two */
#define CHUNK_BYTES 256u /* what is copied at once */

struct termios {
	u32 iflag, oflag, cflag, lflag;
	u8 line;
	u8 cc[NCCS];
};

_Static_assert(sizeof(struct termios) == 36, "the kernel's struct, not a libc's");

struct winsize {
	u16 rows, columns, x_pixels, y_pixels;
};

/*
 * Bytes [tail, ready) can be read; [ready, head) is a line that is still edited. An end of file
 * (^D) is a byte of its own, marked in eof[]. The interrupt handler moves all but tail.
 */
static struct {
	struct termios termios;
	struct winsize size;
	u8 data[TTY_BYTES];
	u8 eof[TTY_BYTES / 8];
	u32 head, ready, tail;
	u32 column; /* of the edited line's echo; to know where erasing must end */
	u32 pgrp;
	bool quoted; /* ^V was typed */
	struct wait_queue_head wait;
} tty;

static const struct termios default_termios = {
	.iflag = ICRNL | IXON,
	.oflag = OPOST,
	.cflag = B115200 | CS8 | CREAD | HUPCL,
	.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.cc = { [VINTR] = 3,
		[VQUIT] = 28,
		[VERASE] = 127,
		[VKILL] = 21,
		[VEOF] = 4,
		[VMIN] = 1,
		[VSTART] = 17,
		[VSTOP] = 19,
		[VSUSP] = 26,
		[VREPRINT] = 18,
		[VDISCARD] = 15,
		[VWERASE] = 23,
		[VLNEXT] = 22 },
};

static bool local_flag(u32 flag)
{
	return tty.termios.lflag & flag;
}

/* Is c the special character, and is there one? */
static bool is_special(u8 c, u32 which)
{
	return c == tty.termios.cc[which] && c;
}

/* --- output ----------------------------------------------------------------------------------- */

static void put_text(const char *text, u32 n)
{
	bool crlf = (tty.termios.oflag & (OPOST | ONLCR)) == (OPOST | ONLCR);

	for (u32 start = 0, i = 0; i <= n; i++) {
		if (i < n && !(crlf && text[i] == '\n'))
			continue;
		uart_write(text + start, i - start);
		if (i < n)
			uart_write("\r\n", 2);
		start = i + 1;
	}
}

static bool is_control(u8 c)
{
	return (c < ' ' && c != '\t' && c != '\n') || c == 127;
}

/* How many columns the echo of c takes; a tab's are not known, it counts as one. */
static u32 echo_columns(u8 c)
{
	return is_control(c) ? (local_flag(ECHOCTL) ? 2 : 0) : 1;
}

static void echo(u8 c)
{
	char text[2] = { '^', (char)(c ^ 0x40) };

	if (!local_flag(ECHO) && !(c == '\n' && local_flag(ECHONL)))
		return;
	if (is_control(c) && local_flag(ECHOCTL))
		put_text(text, 2);
	else
		put_text((const char *)&c, 1);
}

/* --- editing ---------------------------------------------------------------------------------- */

static bool store(u8 c, bool eof)
{
	u32 at = tty.head % TTY_BYTES;

	if (tty.head - tty.tail == TTY_BYTES)
		return false;
	tty.data[at] = c;
	if (eof)
		tty.eof[at / 8] |= (u8)(1 << at % 8);
	else
		tty.eof[at / 8] &= (u8) ~(1 << at % 8);
	tty.head++;
	return true;
}

static bool is_eof(u32 position)
{
	u32 at = position % TTY_BYTES;

	return tty.eof[at / 8] >> at % 8 & 1;
}

static void erase_one(void)
{
	u8 c = tty.data[--tty.head % TTY_BYTES];

	if (local_flag(ECHO) && local_flag(ECHOE))
		for (u32 n = echo_columns(c); n; n--)
			put_text("\b \b", 3);
}

static void erase_word(void)
{
	bool word = false;

	while (tty.head != tty.ready) {
		bool blank = tty.data[(tty.head - 1) % TTY_BYTES] <= ' ';

		if (blank && word)
			break;
		word |= !blank;
		erase_one();
	}
}

/* True: c was a command to the editor. */
static bool edit(u8 c)
{
	if (is_special(c, VERASE)) {
		if (tty.head != tty.ready)
			erase_one();
	} else if (is_special(c, VKILL)) {
		while (tty.head != tty.ready)
			erase_one();
	} else if (is_special(c, VWERASE) && local_flag(IEXTEN)) {
		erase_word();
	} else if (is_special(c, VLNEXT) && local_flag(IEXTEN)) {
		tty.quoted = true;
	} else if (is_special(c, VREPRINT) && local_flag(IEXTEN)) {
		echo(c);
		put_text("\n", 1);
		for (u32 i = tty.ready; i != tty.head; i++)
			echo(tty.data[i % TTY_BYTES]);
	} else {
		return false;
	}
	return true;
}

static bool is_line_end(u8 c)
{
	return c == '\n' || is_special(c, VEOL) || is_special(c, VEOL2);
}

/* A line keeps room for its end; what is typed beyond is lost, as in Linux. */
static void receive_canonical(u8 c)
{
	bool quoted = tty.quoted;

	tty.quoted = false;
	if (!quoted && edit(c))
		return;
	if (!quoted && is_special(c, VEOF)) {
		if (store(0, true))
			tty.ready = tty.head;
		return;
	}
	if (!is_line_end(c) && tty.head - tty.tail >= TTY_BYTES - 1)
		return;
	echo(c);
	if (store(c, false) && !quoted && is_line_end(c))
		tty.ready = tty.head;
}

static bool signal_key(u8 c)
{
	int sig = is_special(c, VINTR) ? SIGINT : is_special(c, VQUIT) ? SIGQUIT : 0;

	if (!local_flag(ISIG) || !sig)
		return false;
	if (!local_flag(NOFLSH))
		tty.tail = tty.ready = tty.head;
	echo(c);
	if (tty.pgrp)
		send_signal_group(tty.pgrp, sig, NULL);
	return true;
}

void tty_input(u8 c)
{
	u32 iflag = tty.termios.iflag;

	if (!boot_params.tty) {
		store(c, false);
		tty.ready = tty.head;
		return;
	}
	if (!tty.quoted && signal_key(c))
		return;
	if (c == '\r' && iflag & IGNCR)
		return;
	if (c == '\r' && iflag & ICRNL)
		c = '\n';
	else if (c == '\n' && iflag & INLCR)
		c = '\r';
	if (local_flag(ICANON)) {
		receive_canonical(c);
	} else {
		echo(c);
		store(c, false);
		tty.ready = tty.head;
	}
}

/* Take what the UART has, if there is room: a full line in the editor never blocks its own end. */
static void tty_receive(void)
{
	u32 flags = local_irq_save();
	bool some = false;
	int c;

	while ((tty.head - tty.tail < TTY_BYTES - 1 || tty.ready == tty.tail) &&
	       (c = uart_getc()) >= 0) {
		tty_input((u8)c);
		some = true;
	}
	local_irq_restore(flags);
	if (some)
		wake_up(&tty.wait);
}

/* --- reading ---------------------------------------------------------------------------------- */

static u32 readable(void)
{
	return tty.ready - tty.tail;
}

/*
 * The end of what one read gives: a line, or all. *eof: an end of file stands there and goes with
 * it.
 */
static u32 chunk_end(u32 n, bool *eof)
{
	u32 end = tty.tail;

	*eof = false;
	while (end != tty.ready && end - tty.tail < n) {
		u8 c = tty.data[end % TTY_BYTES];

		if (is_eof(end)) {
			*eof = true;
			break;
		}
		end++;
		if (boot_params.tty && local_flag(ICANON) && is_line_end(c))
			break;
	}
	/* An end of file right behind a full buffer ends this read, and is none by itself. */
	if (end != tty.ready && end != tty.tail && is_eof(end))
		*eof = true;
	return end;
}

/* VMIN and VTIME, without ICANON: how many bytes to wait for. */
static u32 wanted(u32 n)
{
	u32 min = tty.termios.cc[VMIN];

	if (!boot_params.tty || local_flag(ICANON))
		return 1;
	return min < n ? min : n;
}

static u32 timeout(void)
{
	u32 tenths = tty.termios.cc[VTIME];

	if (!boot_params.tty || local_flag(ICANON) || !tenths)
		return MAX_SCHEDULE_TIMEOUT;
	return tenths * HZ / 10;
}

/* Until there is enough, or VTIME is over: with VMIN it runs from byte to byte. 0 or error. */
static int wait_for_input(u32 n)
{
	struct wait_queue w = { 0 };
	u32 left = timeout(), min = wanted(n), before = readable();
	int err = 0;

	if (!min && left == MAX_SCHEDULE_TIMEOUT)
		return 0;
	for (;;) {
		prepare_to_wait(&tty.wait, &w, TASK_INTERRUPTIBLE);
		if (readable() >= (min ? min : 1) || !left)
			break;
		if (signal_pending_current()) {
			err = -ERESTARTSYS;
			break;
		}
		if (min && !readable()) {
			schedule();
			continue;
		}
		if (readable() != before)
			left = timeout();
		before = readable();
		left = schedule_timeout(left);
	}
	finish_wait(&tty.wait, &w);
	return err;
}

/*
 * Up to n bytes into buf and out of the terminal, or -EAGAIN: there are none; *last: what comes is
 * for another read. At once, as ^C in the interrupt handler empties the terminal, and other readers
 * may come when this one sleeps.
 */
static int take_chunk(u8 *buf, u32 n, bool *last)
{
	u32 flags = local_irq_save(), end;
	int taken = readable() ? 0 : -EAGAIN;
	bool eof;

	end = chunk_end(n, &eof);
	while (tty.tail != end)
		buf[taken++] = tty.data[tty.tail++ % TTY_BYTES];
	*last = eof || !readable() ||
		(boot_params.tty && local_flag(ICANON) && taken > 0 && is_line_end(buf[taken - 1]));
	tty.tail += eof;
	local_irq_restore(flags);
	return taken;
}

/* Until something is taken; with VMIN of 0 it may be nothing. */
static int wait_and_take(const struct file *f, u8 *buf, u32 n, u32 left, bool *last)
{
	int taken, err;

	for (;;) {
		err = f->f_flags & O_NONBLOCK ? 0 : wait_for_input(left);
		if (err)
			return err;
		taken = take_chunk(buf, n, last);
		if (taken >= 0 || f->f_flags & O_NONBLOCK)
			return taken;
		if (!wanted(left))
			return 0;
	}
}

static int32_t tty_read(struct file *f, struct uio *u, u64 *pos)
{
	u8 buf[CHUNK_BYTES];
	bool last = false;
	u32 total = 0;

	while (u->left && !last) {
		u32 n = u->left < CHUNK_BYTES ? u->left : CHUNK_BYTES, done;
		int taken = total ? take_chunk(buf, n, &last)
				  : wait_and_take(f, buf, n, u->left, &last);

		if (taken < 0)
			return total ? (int32_t)total : taken;
		done = uio_put(u, buf, (u32)taken);
		total += done;
		if (done < (u32)taken)
			return total ? (int32_t)total : -EFAULT;
	}
	tty_receive();
	return (int32_t)total;
}

static int32_t tty_write(struct file *f, struct uio *u, u64 *pos)
{
	char text[CHUNK_BYTES];
	u32 total = 0;

	while (u->left) {
		u32 n = u->left < sizeof(text) ? u->left : sizeof(text), done = uio_get(u, text, n);

		put_text(text, done);
		total += done;
		if (done < n)
			return total ? (int32_t)total : -EFAULT;
	}
	return (int32_t)total;
}

/* --- ioctl ------------------------------------------------------------------------------------ */

static int set_termios(u32 cmd, u32 arg)
{
	struct termios new;
	u32 flags;

	if (copy_from_user(&new, arg, sizeof(new)))
		return -EFAULT;
	flags = local_irq_save();
	if (cmd == TCSETSF)
		tty.tail = tty.ready = tty.head;
	if ((new.lflag ^ tty.termios.lflag) & ICANON)
		tty.ready = tty.head; /* what is there can be read in the new mode */
	tty.termios = new;
	local_irq_restore(flags);
	wake_up(&tty.wait);
	return 0;
}

static int flush_input(u32 queue)
{
	u32 flags;

	if (queue > 2)
		return -EINVAL;
	if (queue == 1) /* output is never kept back */
		return 0;
	flags = local_irq_save();
	tty.tail = tty.ready = tty.head;
	local_irq_restore(flags);
	return 0;
}

static int set_pgrp(u32 arg)
{
	u32 pgrp;

	if (get_user_u32(&pgrp, arg))
		return -EFAULT;
	if ((int32_t)pgrp < 0)
		return -EINVAL;
	if (send_signal_group(pgrp, 0, NULL))
		return -ESRCH;
	tty.pgrp = pgrp;
	return 0;
}

static int tty_ioctl(struct file *f, u32 cmd, u32 arg)
{
	if (cmd == FIONREAD)
		return put_user_u32(readable(), arg);
	if (!boot_params.tty)
		return -ENOTTY;
	switch (cmd) {
	case TCGETS:
		return copy_to_user(arg, &tty.termios, sizeof(tty.termios)) ? -EFAULT : 0;
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(cmd, arg);
	case TCFLSH:
		return flush_input(arg);
	case TCSBRK:
	case TCXONC:
		return 0;
	case TIOCGWINSZ:
		return copy_to_user(arg, &tty.size, sizeof(tty.size)) ? -EFAULT : 0;
	case TIOCSWINSZ:
		return copy_from_user(&tty.size, arg, sizeof(tty.size)) ? -EFAULT : 0;
	case TIOCSCTTY:
		tty.pgrp = current->pgid;
		return 0;
	case TIOCNOTTY:
		return 0;
	case TIOCGPGRP:
		return put_user_u32(tty.pgrp, arg);
	case TIOCSPGRP:
		return set_pgrp(arg);
	case TIOCGSID:
		return put_user_u32(current->sid, arg);
	default:
		return -ENOTTY;
	}
}

static u32 tty_poll(struct file *f, struct wait_queue_head **queue)
{
	*queue = &tty.wait;
	return POLLOUT | (readable() ? POLLIN : 0);
}

/* The first that opens it gets its signals until somebody says otherwise (TIOCSPGRP). */
static int tty_open(struct inode *inode, struct file *f)
{
	if (!tty.pgrp)
		tty.pgrp = current->pgid;
	return 0;
}

const struct file_operations tty_ops = {
	.read = tty_read,
	.write = tty_write,
	.ioctl = tty_ioctl,
	.open = tty_open,
	.poll = tty_poll,
};

void tty_init(void)
{
	tty.termios = default_termios;
	tty.size = (struct winsize){ .rows = 24, .columns = 80 };
	init_waitqueue_head(&tty.wait);
	uart_set_receiver(tty_receive);
	tty_receive();
}
