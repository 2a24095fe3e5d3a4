/* SPDX-License-Identifier: MIT */
/*
 * The page-table fuzzer's model of translation (pt_fuzz_model.c): what an access must do, from the
 * manual alone (Intel SDM vol. 3, 4.3, 4.6 to 4.8), and from the tables as they are in memory. It
 * shares no code with the VMM.
 *
 * The playground is 4 MiB of RAM at POOL; linear is physical there and in the first 4 MiB, so the
 * model reads tables at their physical addresses. Everything random stays inside the playground:
 * whatever word is stored there is harmless as an entry of any level (model_safe).
 */
#ifndef TESTS_PT_FUZZ_H
#define TESTS_PT_FUZZ_H

#include "guest/paging_guest.h"

#define POOL 0x00800000u
#define POOL_BYTES 0x00400000u

/* The first frames are what tables and entries refer to. */
#define DIRECTORIES 4u
#define TABLES 8u
#define DATA_FRAMES 12u
#define HOT_FRAMES (DIRECTORIES + TABLES + DATA_FRAMES)
/* The first entries of each directory map the fuzzer itself and the playground. */
#define KEPT_ENTRIES 3u

/* Code in each data frame: MOV AL, frame; RET or INT 0x80. As entries they are not present. */
#define AT_SUPER_CODE 0xff0u
#define AT_USER_CODE 0xff4u
#define SUPER_CODE(frame) (0x00c300b0u | (frame) << 8)
#define USER_CODE(frame) (0x80cd00b0u | (frame) << 8)

#define ERROR_P 0x1u
#define ERROR_W 0x2u
#define ERROR_U 0x4u
#define ERROR_RSVD 0x8u

/* The words of the command line: see pt_fuzz.c. */
extern struct fuzz_options {
	uint32_t seed, steps, every, verify, tcg, npt0, split, from, count;
} options;

/* Reads them; ends the guest at a bad one. Paging is off. */
void options_read(void);

enum access_kind { READ, WRITE, FETCH, XCHG, CMPXCHG, BTS, PUSH, ACCESS_KINDS };

struct access {
	enum access_kind kind;
	bool user;
	uint32_t linear; /* of 4 bytes */
	uint32_t value, other;
};

/* The registers that give entries their meaning. */
struct paging_mode {
	uint32_t cr3;
	bool wp, pse, pge;
	bool tcg, npt0; /* keep off what these do otherwise than the manual (pt_fuzz.c) */
};

/* A word that the access may change, and its value afterwards. */
struct expected_word {
	uint32_t at, value;
	bool accessed; /* its A bit is certain, too: an entry that was used, not stored to */
};

#define PLAN_WORDS 6u

struct plan {
	bool omit;	/* the access would leave the playground: do not do it */
	bool fault;	/* if not, it is done */
	uint32_t error; /* of the fault, and its address */
	uint32_t cr2;
	unsigned words;
	struct expected_word word[PLAN_WORDS];
	uint32_t value; /* what the access leaves in EAX, in the bits of mask */
	uint32_t mask;
};

struct walk_outcome {
	bool fault;
	uint32_t error; /* without W and U */
	uint32_t pde_at, pte_at,
		leaf_at; /* pte_at is 0 for a 4 MiB page, or if it was not reached */
	uint64_t physical;
};

static inline volatile uint32_t *word_at(uint32_t physical)
{
	return (volatile uint32_t *)physical;
}

/* Reads, then writes: faults as a write. */
static inline bool kind_updates(enum access_kind kind)
{
	return kind == XCHG || kind == CMPXCHG || kind == BTS;
}

static inline bool kind_writes(enum access_kind kind)
{
	return kind != READ && kind != FETCH;
}

/* Walks the tables as they are now; changes nothing. */
void model_walk(const struct paging_mode *mode, uint32_t linear, bool write, bool user,
		struct walk_outcome *w);

/*
 * What the access must do. Chooses the access's value where that must fit memory (CMPXCHG), and
 * sets A and D beforehand where their state would be open afterwards or decide what happens.
 */
void model_plan(const struct paging_mode *mode, struct access *a, struct plan *plan);

/* May this word stand at this place of the playground? */
bool model_safe(uint32_t at, uint32_t value);

#endif
