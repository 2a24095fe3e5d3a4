// SPDX-License-Identifier: MIT
/*
 * The doctor's table and JSON for hosts made by hand; what it finds on the host it runs on is for
 * cli_test.sh and the box.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor.h"
#include "unit/unit.h"

/* A host where everything works. */
static struct findings good_host(void)
{
	struct findings f = {
		.kvm = { .there = true,
			 .openable = true,
			 .api_version = 12,
			 .vendor = "kvm_amd",
			 .paging32 = true,
			 .long_mode = true,
			 .umip = true,
			 .probe_ns = 1234567 },
		.cpu = "SVM",
		.exit_ns = 1890,
		.soft_hz = 351700000,
		.choice = { .engine = &engine_kvm, .why = "kvm_amd does it" },
	};

	for (unsigned i = 0; i < KVM_EXT_COUNT; i++)
		f.kvm.extension[i] = true;
	return f;
}

static struct findings pvm_host(void)
{
	struct findings f = good_host();

	f.cpu = NULL;
	f.exit_ns = 0;
	f.kvm.paging32 = false;
	snprintf(f.kvm.vendor, sizeof(f.kvm.vendor), "kvm_pvm");
	snprintf(f.kvm.problem, sizeof(f.kvm.problem), "it is PVM");
	f.choice = (struct choice){ .engine = &engine_soft, .why = "it is PVM" };
	return f;
}

/* A host without a device. */
static struct findings bare_host(const char *cpu)
{
	struct findings f = {
		.kvm = { .problem = "there is no device; load it" },
		.cpu = cpu,
		.soft_hz = 1000000,
		.choice = { .engine = &engine_soft, .why = "there is no device; load it" },
	};

	return f;
}

static void table_has(const struct findings *f, const char *line)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	doctor_table(f, false, out);
	fclose(out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
	if (!strstr(text, line))
		fprintf(stderr, "\nwanted:\n%sin:\n%s", line, text);
	CU_ASSERT_PTR_NULL(strchr(text, '\033'));
	free(text);
}

static void table_tells_of_a_host_where_kvm_works(void)
{
	struct findings f = good_host();

	table_has(&f, "this host\n"
		      "  processor's extension        SVM\n"
		      "  /dev/kvm                     there, and can be opened\n"
		      "  KVM module                   kvm_amd\n"
		      "  KVM API version              12\n"
		      "  32-bit guest with paging     yes\n"
		      "  long mode for guests         yes\n"
		      "  UMIP                         yes\n"
		      "  KVM_CAP_IMMEDIATE_EXIT       yes (needed)\n");
	table_has(&f, "  KVM_CAP_SYNC_REGS            yes\n");
	table_has(&f, "measured\n"
		      "  look at KVM, and probe       1.23 ms\n"
		      "  exit by OUT, and back        1.89 us\n"
		      "  engine soft, ALU loop        352 million instructions a second\n"
		      "what follows\n"
		      "  engine kvm                   works\n"
		      "  engine kvm, mmu shadow       works: kvm_amd runs deprivileged guests\n"
		      "  engine soft                  works\n"
		      "  --engine auto takes          kvm: kvm_amd does it\n");
}

static void table_tells_what_would_make_kvm_work(void)
{
	struct findings f = pvm_host();

	table_has(&f, "  32-bit guest with paging     no\n");
	table_has(&f, "  exit by OUT, and back        not measured\n");
	table_has(&f, "  engine kvm                   does not work: it is PVM\n"
		      "  to have engine kvm           run on a host whose own KVM is kvm_intel");
	table_has(&f,
		  "  engine kvm, mmu shadow       works: kvm_pvm emulates 32-bit code, at about "
		  "one million instructions a second\n"
		  "  engine soft                  works\n"
		  "  --engine auto takes          soft: it is PVM\n");
	f.kvm.extension[KVM_EXT_SYNC_REGS] = false;
	table_has(&f, "  engine kvm, mmu shadow       does not work: this kernel's KVM lacks "
		      "KVM_CAP_SYNC_REGS; use a newer kernel\n");
	f.kvm.extension[KVM_EXT_SYNC_REGS] = true;
	f.kvm.long_mode = false;
	table_has(&f, "  engine kvm, mmu shadow       does not work: this host's KVM has no 64-bit "
		      "guests, which the monitor of mmu shadow is\n");
	f = bare_host(NULL);
	table_has(&f, "  processor's extension        none");
	table_has(&f, "  /dev/kvm                     not there\n");
	table_has(&f, "  to have engine kvm           this processor shows neither VMX nor SVM");
	f = bare_host("VMX"); /* the problem says it all */
	table_has(&f, "  engine kvm                   does not work: there is no device; load it\n"
		      "  engine soft                  works\n");
}

static void table_says_what_was_not_asked(void)
{
	struct findings f = bare_host("VMX");

	table_has(&f, "  KVM API version              not known\n"
		      "  32-bit guest with paging     not known\n"
		      "  long mode for guests         not known\n"
		      "  UMIP                         not known\n"
		      "  KVM_CAP_IMMEDIATE_EXIT       not known (needed)\n");
	f = good_host();
	f.kvm.extension[KVM_EXT_IMMEDIATE_EXIT] = false;
	f.kvm.paging32 = false; /* the probe did not come to it */
	table_has(&f, "  32-bit guest with paging     not known\n");
	table_has(&f, "  KVM_CAP_IMMEDIATE_EXIT       no (needed)\n");
	f = good_host();
	f.kvm.api_version = 13;
	table_has(&f, "  KVM API version              13\n"
		      "  32-bit guest with paging     not known\n");
	f.soft_hz = 0;
	f.choice.engine = NULL;
	snprintf(f.soft.text, sizeof(f.soft.text), "no memory");
	table_has(&f, "  engine soft                  does not work: no memory\n"
		      "  --engine auto takes          nothing: no engine works here\n");
}

static void colour_marks_good_and_bad(void)
{
	struct findings f = pvm_host();
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	doctor_table(&f, true, out);
	fclose(out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "paging     \033[31mno\033[0m\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "UMIP                         \033[32myes\033[0m\n"));
	free(text);
}

static bool json_is(const json_t *root, const char *group, const char *key, const json_t *wanted)
{
	const json_t *value = json_object_get(json_object_get(root, group), key);
	bool same = value && json_equal(value, wanted);

	if (!same)
		fprintf(stderr, "\n  %s.%s is not as wanted\n", group, key);
	return same;
}

static void json_has_the_keys_of_the_manual_page(void)
{
	struct findings f = good_host();
	json_t *root = doctor_json(&f), *number = json_integer(1890), *text = json_string("kvm");

	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	CU_ASSERT(json_is(root, "kvm", "shadow_works", json_true()));
	CU_ASSERT(json_is(root, "kvm", "works", json_true()));
	CU_ASSERT(json_is(root, "kvm", "device", json_true()));
	CU_ASSERT(json_is(root, "kvm", "openable", json_true()));
	CU_ASSERT(json_is(root, "kvm", "paging32", json_true()));
	CU_ASSERT(json_is(root, "kvm", "long_mode", json_true()));
	CU_ASSERT(json_is(root, "kvm", "umip", json_true()));
	CU_ASSERT(json_is(root, "kvm", "problem", json_null()));
	CU_ASSERT(json_is(root, "kvm", "advice", json_null()));
	CU_ASSERT(json_is(root, "kvm", "exit_ns", number));
	CU_ASSERT(json_is(root, "soft", "works", json_true()));
	CU_ASSERT(json_is(root, "auto", "engine", text));
	CU_ASSERT_EQUAL(
		json_object_size(json_object_get(json_object_get(root, "kvm"), "extensions")),
		KVM_EXT_COUNT);
	json_decref(number);
	json_decref(text);
	json_decref(root);
}

static void json_is_null_where_nothing_is_known(void)
{
	struct findings f = bare_host("VMX");
	json_t *root = doctor_json(&f), *text = json_string("there is no device; load it");

	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	CU_ASSERT(json_is(root, "kvm", "works", json_false()));
	CU_ASSERT(json_is(root, "kvm", "device", json_false()));
	CU_ASSERT(json_is(root, "kvm", "api_version", json_null()));
	CU_ASSERT(json_is(root, "kvm", "module", json_null()));
	CU_ASSERT(json_is(root, "kvm", "paging32", json_null()));
	CU_ASSERT(json_is(root, "kvm", "umip", json_null()));
	CU_ASSERT(json_is(root, "kvm", "probe_ns", json_null()));
	CU_ASSERT(json_is(root, "kvm", "exit_ns", json_null()));
	CU_ASSERT(json_is(root, "kvm", "problem", text));
	json_decref(text);
	json_decref(root);
}

static const struct unit_test tests[] = {
	UNIT_TEST(table_tells_of_a_host_where_kvm_works),
	UNIT_TEST(table_tells_what_would_make_kvm_work),
	UNIT_TEST(table_says_what_was_not_asked),
	UNIT_TEST(colour_marks_good_and_bad),
	UNIT_TEST(json_has_the_keys_of_the_manual_page),
	UNIT_TEST(json_is_null_where_nothing_is_known),
	UNIT_END,
};

extern const struct unit_suite suite_doctor;
const struct unit_suite suite_doctor = { "doctor", tests };
