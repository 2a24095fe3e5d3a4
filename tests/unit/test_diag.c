// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "unit/unit.h"

static void set_returns_the_negative_errno(void)
{
	struct diag d = { 0 };

	CU_ASSERT_EQUAL(diag_set(&d, ENOENT, "%s: %d", "x", 7), -ENOENT);
	CU_ASSERT_STRING_EQUAL(d.text, "x: 7");
	CU_ASSERT_EQUAL(diag_set(NULL, EIO, "nobody listens"), -EIO);
}

static void first_line_wins(void)
{
	struct diag d = { 0 };

	diag_set(&d, EIO, "cause");
	CU_ASSERT_EQUAL(diag_set(&d, EINVAL, "consequence"), -EINVAL);
	CU_ASSERT_STRING_EQUAL(d.text, "cause");
}

/* A name from a user must neither break the line nor steer a terminal. */
static void control_characters_become_question_marks(void)
{
	struct diag d = { 0 };

	diag_set(&d, EIO, "a\nb\tc\033[2Jd\177e\001f");
	CU_ASSERT_STRING_EQUAL(d.text, "a?b?c?[2Jd?e?f");
}

static void utf8_stays(void)
{
	struct diag d = { 0 };

	diag_set(&d, EIO, "gr\303\274n");
	CU_ASSERT_STRING_EQUAL(d.text, "gr\303\274n");
}

static void long_text_is_cut(void)
{
	struct diag d = { 0 };
	char text[2 * DIAG_BYTES];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	diag_set(&d, EIO, "%s", text);
	CU_ASSERT_EQUAL(strlen(d.text), DIAG_BYTES - 1);
}

static const struct unit_test tests[] = {
	UNIT_TEST(set_returns_the_negative_errno),
	UNIT_TEST(first_line_wins),
	UNIT_TEST(control_characters_become_question_marks),
	UNIT_TEST(utf8_stays),
	UNIT_TEST(long_text_is_cut),
	UNIT_END,
};

extern const struct unit_suite suite_diag;
const struct unit_suite suite_diag = { "diag", tests };
