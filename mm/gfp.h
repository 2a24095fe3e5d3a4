/* SPDX-License-Identifier: MIT */
/*
 * Allocation flags: names and meaning as in Linux 2.6.32 (include/linux/gfp.h), as far as we have
 * them.
 */
#ifndef MM_GFP_H
#define MM_GFP_H

#include "mm/types.h"

/* Which zone at most: HIGHMEM, NORMAL (neither) or DMA. */
#define __GFP_DMA 0x01u
#define __GFP_HIGHMEM 0x02u
#define GFP_ZONEMASK (__GFP_DMA | __GFP_HIGHMEM)
/* How hard to try. */
#define __GFP_WAIT 0x10u      /* may sleep: reclaim and retry */
#define __GFP_HIGH 0x20u      /* may use the emergency reserves */
#define __GFP_NOWARN 0x200u   /* no report on failure */
#define __GFP_NOFAIL 0x800u   /* never gives up */
#define __GFP_NORETRY 0x1000u /* gives up after one try at reclaim */
#define __GFP_NOMEMALLOC 0x10000u
/* What comes back. */
#define __GFP_COMP 0x4000u /* orders > 0 become a compound page */
#define __GFP_ZERO 0x8000u

#define GFP_NOWAIT (0u)
#define GFP_ATOMIC (__GFP_HIGH)
#define GFP_KERNEL (__GFP_WAIT)
#define GFP_HIGHUSER (__GFP_WAIT | __GFP_HIGHMEM)
#define GFP_DMA __GFP_DMA

#endif
