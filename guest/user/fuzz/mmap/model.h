/* SPDX-License-Identifier: MIT */
/*
 * What mmapfuzz believes of its address space: a window of pages at a fixed, low address, where the
 * kernel, which searches from the top, places nothing by itself. For each page: is it mapped, with
 * which rights, to what, and which word stands in it.
 *
 * Mappings are private anonymous, private of a file (the program's own), or shared anonymous: an
 * object, whose words all its pages share. The word of a page is the one at WORD_AT of it.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <stdint.h>

#define PAGE 4096u
#define WINDOW 0x20000000u
#define PAGES 64u
#define WORD_AT 256u
#define MAX_OBJECTS 80u
#define OBJECT_PAGES 16u
#define FILE_PAGES 256u /* that the file may have */

enum kind { NOTHING, ANON, FILE_PRIVATE, SHARED };

struct page {
	uint8_t kind;
	uint8_t rights;	  /* PROT_* */
	uint8_t locked;	  /* by mlock */
	uint8_t own;	  /* a private page was written: its word is here */
	uint8_t resident; /* of ANON: 0, 1, or UNKNOWN */
	uint8_t object;	  /* of SHARED */
	uint16_t index;	  /* in the file or the object */
	uint32_t word;
	uint32_t run; /* neighbours of one run are in one mapping of the kernel's */
};
#define UNKNOWN 2

/* What a load must give: a fault (SEGV_MAPERR, SEGV_ACCERR, FAULT_BUS) or a word. */
#define FAULT_BUS 100
struct expected {
	int fault;
	uint32_t word;
};

struct model {
	struct page page[PAGES];
	struct {
		uint32_t word[OBJECT_PAGES];
		unsigned pages;
	} object[MAX_OBJECTS];
	uint32_t file_word[FILE_PAGES];
	unsigned file_pages;
	uint32_t next_run;
	char *heap; /* the break at the start, rounded up; its pages are the model's below */
	unsigned heap_pages;
	uint32_t heap_word[PAGES];
};

extern struct model model;

static inline char *page_at(unsigned i)
{
	return (char *)(WINDOW + i * PAGE);
}

/* model.c */
struct expected expected_load(unsigned i);
int expected_store_fault(unsigned i);
/* A store of word that succeeded. */
void model_stored(unsigned i, uint32_t word);
/* A load that succeeded. */
void model_loaded(unsigned i);
void model_unmap(unsigned from, unsigned to);
/* of: ANON, FILE_PRIVATE (index: the first page's) or SHARED (a new object). */
void model_map(unsigned from, unsigned to, enum kind kind, unsigned rights, unsigned index);
/* Pages [from, to) leave the mapping that they were in. */
void model_split(unsigned from, unsigned to);
/* The page behind the last of one that `from` is in, of one run, at most `to`. */
unsigned model_run_end(unsigned from, unsigned to);
/* The first page of [from, to) that is not mapped; to: none. */
unsigned model_hole(unsigned from, unsigned to);
/* Moves [from, to) to `at`; both in the window. */
void model_move(unsigned from, unsigned to, unsigned at);
/* The page behind a mapping's last, i, becomes its next one. */
void model_extend(unsigned i);
unsigned model_mapped(void);

/* probe.c: SEGV_MAPERR, SEGV_ACCERR or FAULT_BUS, or 0 and the access was made. */
void probe_init(void);
int try_load(const char *p, uint32_t *word);
int try_store(char *p, uint32_t word);

#endif
