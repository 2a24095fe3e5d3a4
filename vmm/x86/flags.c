// SPDX-License-Identifier: MIT
#include "x86/flags.h"

uint32_t flags_get(const struct cpu *c)
{
	return (flag_cf(c) ? EFLAGS_CF : 0) | (flag_pf(c) ? EFLAGS_PF : 0) |
	       (flag_af(c) ? EFLAGS_AF : 0) | (flag_zf(c) ? EFLAGS_ZF : 0) |
	       (flag_sf(c) ? EFLAGS_SF : 0) | (flag_of(c) ? EFLAGS_OF : 0);
}

void flags_load(struct cpu *c, uint32_t eflags)
{
	bool cf = eflags & EFLAGS_CF, of = eflags & EFLAGS_OF, sf = eflags & EFLAGS_SF;
	/* A result of 0 has ZF; 0x100 has none of ZF, SF and a low byte of even parity. */
	uint32_t result = eflags & EFLAGS_ZF ? 0 : 0x100;
	uint32_t odd = eflags & EFLAGS_PF ? 0 : 1;

	c->flag_result = result;
	c->flag_aux = (uint32_t)cf << 31 | (uint32_t)(cf ^ of) << 30 |
		      (eflags & EFLAGS_AF ? FLAG_AUX_AF : 0) | odd << 8 | sf;
}

void flags_set_cf(struct cpu *c, bool cf)
{
	bool of = flag_of(c);

	c->flag_aux = (c->flag_aux & ~(FLAG_AUX_CF | FLAG_AUX_PO)) | (uint32_t)cf << 31 |
		      (uint32_t)(cf ^ of) << 30;
}

void flags_set_zf(struct cpu *c, bool zf)
{
	uint32_t eflags = flags_get(c) & ~EFLAGS_ZF;

	flags_load(c, eflags | (zf ? EFLAGS_ZF : 0));
}

bool flags_condition(const struct cpu *c, unsigned cc)
{
	bool value = false;

	switch (cc >> 1) {
	case 0:
		value = flag_of(c);
		break;
	case 1:
		value = flag_cf(c);
		break;
	case 2:
		value = flag_zf(c);
		break;
	case 3:
		value = flag_cf(c) || flag_zf(c);
		break;
	case 4:
		value = flag_sf(c);
		break;
	case 5:
		value = flag_pf(c);
		break;
	case 6:
		value = flag_sf(c) != flag_of(c);
		break;
	case 7:
		value = flag_zf(c) || flag_sf(c) != flag_of(c);
		break;
	}
	return value != (cc & 1);
}
