// SPDX-License-Identifier: MIT
#include <lib/string.h>
#include <lib/vsprintf.h>

/* One conversion: what stands between the % and its letter. */
struct spec {
	bool left, zero, plus, space, alt;
	int width;
	int precision; /* -1: none */
	int size;      /* -2 char, -1 short, 0 int, 1 long, 2 long long */
};

struct out {
	char *buf;
	size_t size;
	size_t len; /* of the whole text, also of what did not fit */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_repeated(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_padded(struct out *o, const struct spec *s, const char *text, int len)
{
	if (!s->left)
		put_repeated(o, ' ', s->width - len);
	for (int i = 0; i < len; i++)
		put(o, text[i]);
	if (s->left)
		put_repeated(o, ' ', s->width - len);
}

/* Writes v's digits so that they end before end; returns where they begin. */
static char *format_digits(char *end, u64 v, u32 base, const char *digits)
{
	while (v >> 32) {
		*--end = digits[v % base];
		v /= base;
	}
	for (u32 w = (u32)v; w; w /= base)
		*--end = digits[w % base];
	return end;
}

static void put_number(struct out *o, const struct spec *s, u64 v, bool negative, char conv)
{
	char text[24], sign = 0;
	char *end = text + sizeof(text);
	u32 base = conv == 'x' || conv == 'X' ? 16 : conv == 'o' ? 8 : 10;
	char *p =
		format_digits(end, v, base, conv == 'X' ? "0123456789ABCDEF" : "0123456789abcdef");
	int digits = (int)(end - p);
	int precision = s->precision < 0 ? 1 : s->precision;
	bool prefix = s->alt && base == 16 && v;
	int zeros = precision > digits ? precision - digits : 0;
	int len;

	if (negative)
		sign = '-';
	else if (base == 10 && conv != 'u' && (s->plus || s->space))
		sign = s->plus ? '+' : ' ';
	len = digits + zeros + (sign != 0) + (prefix ? 2 : 0);
	if (s->zero && !s->left && s->precision < 0 && len < s->width) {
		zeros += s->width - len;
		len = s->width;
	}
	if (!s->left)
		put_repeated(o, ' ', s->width - len);
	if (sign)
		put(o, sign);
	if (prefix) {
		put(o, '0');
		put(o, conv);
	}
	put_repeated(o, '0', zeros);
	while (p < end)
		put(o, *p++);
	if (s->left)
		put_repeated(o, ' ', s->width - len);
}

static const char *parse_flags(const char *f, struct spec *s)
{
	for (;; f++) {
		switch (*f) {
		case '-':
			s->left = true;
			break;
		case '0':
			s->zero = true;
			break;
		case '+':
			s->plus = true;
			break;
		case ' ':
			s->space = true;
			break;
		case '#':
			s->alt = true;
			break;
		default:
			return f;
		}
	}
}

static const char *parse_count(const char *f, int *n)
{
	for (*n = 0; *f >= '0' && *f <= '9'; f++)
		*n = *n * 10 + (*f - '0');
	return f;
}

static const char *parse_size(const char *f, struct spec *s)
{
	for (;; f++) {
		if (*f == 'l')
			s->size++;
		else if (*f == 'h')
			s->size--;
		else if (*f == 'z')
			s->size = 1;
		else
			return f;
	}
}

/*
 * va_list may be an array, which a function cannot take by reference; hence this wrapper.
 */
struct args {
	va_list ap;
};

static const char *parse_spec(const char *f, struct spec *s, struct args *a)
{
	*s = (struct spec){ .precision = -1 };
	f = parse_flags(f, s);
	if (*f == '*') {
		f++;
		s->width = va_arg(a->ap, int);
		if (s->width < 0) {
			s->left = true;
			s->width = -s->width;
		}
	} else {
		f = parse_count(f, &s->width);
	}
	if (*f == '.') {
		f++;
		if (*f == '*') {
			f++;
			s->precision = va_arg(a->ap, int);
		} else {
			f = parse_count(f, &s->precision);
		}
	}
	return parse_size(f, s);
}

static void put_signed(struct out *o, const struct spec *s, struct args *a)
{
	s64 v = s->size >= 2 ? va_arg(a->ap, s64) : va_arg(a->ap, s32);

	if (s->size == -1)
		v = (int16_t)v;
	else if (s->size <= -2)
		v = (s64)(int8_t)v;
	put_number(o, s, v < 0 ? -(u64)v : (u64)v, v < 0, 'd');
}

static void put_unsigned(struct out *o, const struct spec *s, struct args *a, char conv)
{
	u64 v = s->size >= 2 ? va_arg(a->ap, u64) : va_arg(a->ap, u32);

	if (s->size == -1)
		v = (u16)v;
	else if (s->size <= -2)
		v = (u8)v;
	put_number(o, s, v, false, conv);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t max = s->precision < 0 ? SIZE_MAX : (size_t)s->precision;

	if (!text)
		text = "(null)";
	put_padded(o, s, text, (int)strnlen(text, max));
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };
	struct args a;
	struct spec s;
	char c;

	va_copy(a.ap, ap);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &s, &a);
		if (*fmt == 'd' || *fmt == 'i') {
			put_signed(&o, &s, &a);
		} else if (*fmt == 'u' || *fmt == 'x' || *fmt == 'X' || *fmt == 'o') {
			put_unsigned(&o, &s, &a, *fmt);
		} else if (*fmt == 'p') {
			put(&o, '0');
			put(&o, 'x');
			s.precision = 8;
			put_number(&o, &s, va_arg(a.ap, u32), false, 'x');
		} else if (*fmt == 's') {
			put_string(&o, &s, va_arg(a.ap, const char *));
		} else if (*fmt == 'c') {
			c = (char)va_arg(a.ap, int);
			put_padded(&o, &s, &c, 1);
		} else if (*fmt == '%') {
			put(&o, '%');
		} else {
			break; /* the compiler's format check refuses these */
		}
	}
	va_end(a.ap);
	if (size)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return n;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

u64 memparse(const char *s, const char **end)
{
	const char *p = s;
	u64 v = 0;
	u32 base = 10;

	if (p[0] == '0' && (p[1] | 0x20) == 'x' && digit_value(p[2]) < 16) {
		base = 16;
		p += 2;
	} else if (p[0] == '0') {
		base = 8;
	}
	for (; digit_value(*p) < (int)base; p++)
		v = v * base + (u32)digit_value(*p);
	if (p != s) {
		static const char suffixes[] = "kmg";

		for (int i = 0; suffixes[i]; i++) {
			if ((*p | 0x20) == suffixes[i]) {
				v <<= 10 * (i + 1);
				p++;
				break;
			}
		}
	}
	if (end)
		*end = p;
	return v;
}
