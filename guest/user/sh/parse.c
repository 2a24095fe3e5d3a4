// SPDX-License-Identifier: MIT
#include "sh.h"
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 256

struct parser {
	const char *at;
	const char *error;
};

static void skip_space(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t')
		p->at++;
	if (*p->at == '#')
		p->at += strlen(p->at);
}

static int is_operator(char c)
{
	return c == '|' || c == '&' || c == ';' || c == '<' || c == '>';
}

/* Past the quote that belongs to the one at s; NULL: there is none. */
static const char *skip_quoted(const char *s)
{
	char quote = *s++;

	for (; *s && *s != quote; s++)
		if (quote == '"' && *s == '\\' && s[1])
			s++;
	return *s ? s + 1 : NULL;
}

/* A word as it is typed; NULL: none stands here, or a quote is open. */
static char *parse_word(struct parser *p)
{
	const char *start = p->at, *s = p->at;

	while (*s && *s != ' ' && *s != '\t' && !is_operator(*s)) {
		if (*s == '\'' || *s == '"') {
			s = skip_quoted(s);
			if (!s) {
				p->error = "a quote is open";
				return NULL;
			}
		} else {
			s += *s == '\\' && s[1] ? 2 : 1;
		}
	}
	p->at = s;
	return s == start ? NULL : arena_text(start, (size_t)(s - start));
}

/* The operator here is taken if it is that one. */
static int take(struct parser *p, const char *operator)
{
	size_t n = strlen(operator);

	skip_space(p);
	if (strncmp(p->at, operator, n) != 0)
		return 0;
	p->at += n;
	return 1;
}

/* [N] < TARGET, > TARGET, >> TARGET, >& N. 1 if one stood here. */
static int parse_redirect(struct parser *p, struct redirect **list)
{
	const char *s = p->at;
	int fd = -1;
	struct redirect *r;

	if (*s >= '0' && *s <= '9' && (s[1] == '<' || s[1] == '>'))
		fd = *s++ - '0';
	if (*s != '<' && *s != '>')
		return 0;
	r = arena_alloc(sizeof(*r));
	r->fd = fd >= 0 ? fd : *s == '>';
	r->kind = *s == '<' ? REDIRECT_IN : REDIRECT_OUT;
	p->at = ++s;
	if (r->kind == REDIRECT_OUT && *s == '>') {
		r->kind = REDIRECT_APPEND;
		p->at++;
	} else if (*s == '&') {
		r->kind = REDIRECT_DUP;
		p->at++;
	}
	skip_space(p);
	r->target = parse_word(p);
	if (!r->target && !p->error)
		p->error = "a redirection without its target";
	while (*list)
		list = &(*list)->next;
	*list = r;
	return 1;
}

static struct command *parse_command(struct parser *p)
{
	struct command *c = arena_alloc(sizeof(*c));
	char *words[MAX_WORDS];

	for (;;) {
		skip_space(p);
		if (parse_redirect(p, &c->redirects)) {
			if (p->error)
				return NULL;
			continue;
		}
		if (c->count == MAX_WORDS - 1) {
			p->error = "too many words";
			return NULL;
		}
		words[c->count] = parse_word(p);
		if (!words[c->count])
			break;
		c->count++;
	}
	if (p->error)
		return NULL;
	if (!c->count && !c->redirects) {
		p->error = *p->at ? "a command is missing before an operator"
				  : "a command is missing at the end";
		return NULL;
	}
	c->words = arena_alloc(((size_t)c->count + 1) * sizeof(char *));
	memcpy(c->words, words, (size_t)c->count * sizeof(char *));
	return c;
}

static struct pipeline *parse_pipeline(struct parser *p, enum link link)
{
	struct pipeline *line = arena_alloc(sizeof(*line));
	struct command **last = &line->commands;

	line->link = link;
	skip_space(p);
	if (p->at[0] == '!' && (p->at[1] == ' ' || p->at[1] == '\t')) {
		p->at++;
		line->negated = 1;
	}
	for (;;) {
		*last = parse_command(p);
		if (!*last)
			return NULL;
		last = &(*last)->next;
		skip_space(p);
		if (p->at[0] != '|' || p->at[1] == '|')
			return line;
		p->at++;
	}
}

static struct job *parse_job(struct parser *p)
{
	struct job *job = arena_alloc(sizeof(*job));
	struct pipeline **last = &job->pipelines;
	enum link link = LINK_ALWAYS;

	for (;;) {
		*last = parse_pipeline(p, link);
		if (!*last)
			return NULL;
		last = &(*last)->next;
		if (take(p, "&&"))
			link = LINK_AND;
		else if (take(p, "||"))
			link = LINK_OR;
		else
			break;
	}
	if (take(p, "&"))
		job->background = 1;
	else
		take(p, ";");
	return job;
}

struct job *parse_line(const char *line, const char **error)
{
	struct parser p = { .at = line };
	struct job *first = NULL, **last = &first;

	*error = NULL;
	for (skip_space(&p); *p.at; skip_space(&p)) {
		*last = parse_job(&p);
		if (!*last) {
			*error = p.error;
			return NULL;
		}
		last = &(*last)->next;
	}
	return first;
}
