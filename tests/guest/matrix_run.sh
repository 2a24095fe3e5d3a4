#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: matrix_run.sh BUILD-FOLDER ROW...
#
# Every way to run a guest against every guest that tests paging: each must print what engine soft
# with mmu direct prints. ROW is the first word of a line of the table below. What this host is
# known to do otherwise is in KNOWN_FAILURES, names of self-tests as a regular expression;
# MATRIX_OPTIONS of matrix_check; FUZZ_WORDS for pt_fuzz; STEPS instead of the table's; OPTIONS of
# vmm, besides. SMALL=1: some of each, and no usertests, where a host or a kind of TLB is slow.
# Prints KTAP; exits 1 if anything is not as it should be, 77 if this host's KVM cannot run the
# row, 102 for an unknown row.
set -u
# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../ktap.sh"

# Name, steps of pt_fuzz, options of vmm.
rows=(
	"normal      100000 --engine soft --mmu direct --tlb normal"
	"drop         10000 --engine soft --mmu direct --tlb drop"
	"hoard       100000 --engine soft --mmu direct --tlb hoard"
	"strict      100000 --engine soft --mmu shadow --shadow-sync strict"
	"strict_drop   5000 --engine soft --mmu shadow --shadow-sync strict --shadow-audit --tlb drop"
	"strict_hoard 20000 --engine soft --mmu shadow --shadow-sync strict --shadow-audit --tlb hoard"
	"unsync      100000 --engine soft --mmu shadow --shadow-sync unsync"
	"unsync_drop   5000 --engine soft --mmu shadow --shadow-sync unsync --shadow-audit --tlb drop"
	"unsync_hoard 20000 --engine soft --mmu shadow --shadow-sync unsync --shadow-audit --tlb hoard"
	"least        20000 --engine soft --mmu shadow --shadow-pages 12 --shadow-audit"
	"kvm          20000 --engine kvm --mmu direct"
	"kvm_shadow    5000 --engine kvm --mmu shadow"
)
reference=(--engine soft --mmu direct)

[ $# -gt 1 ] || { echo "usage: matrix_run.sh BUILD-FOLDER ROW..." >&2; exit 102; }
build=$(realpath "$1") vmm=$(realpath "$1")/bin/vmm
shift
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$build/bin" || exit 2

explain() {
	[ ! -s "$dir/diff" ] || head -n 10 "$dir/diff" | sed 's/^/#   /'
	[ ! -s "$dir/err" ] || head -n 5 "$dir/err" | sed 's/^/#   stderr: /'
}

# What a guest prints, without the self-tests that are known to fail here; its status in $status.
printed() { # FILE VMM-ARG...
	local file=$1
	shift
	timeout 500 "$vmm" "$@" >"$dir/all" 2>"$dir/err" </dev/null
	status=$?
	if [ "${KNOWN_FAILURES:-}" ]; then
		grep -vE "^# [^ ]*guest/tests/|^(not )?ok [0-9]+ ($KNOWN_FAILURES)\$|^# Totals" "$dir/all" >"$dir/$file"
		grep -qE '^not ok' "$dir/$file" || [ $status != 1 ] || status=0
	else
		mv "$dir/all" "$dir/$file"
	fi
}

# The same from the row's options, with status 0 and a line that shows that it came to its end.
same() { # LAST-LINE VMM-ARG...
	local last=$1
	shift
	printed want "${reference[@]}" "$@"
	printed got "${options[@]}" "$@"
	diff "$dir/want" "$dir/got" >"$dir/diff"
	[ $status = 0 ] || { echo "#   status $status"; return 1; }
	[ ! -s "$dir/diff" ] && grep -qE "$last" "$dir/got"
}

# What a user program of the guest finds, as results or digests, is what it finds on the reference,
# line by line; whether that is right is for the program's own test.
same_results() { # PROGRAM [ARG...]
	local words="init=/bin/$*"
	printed all_want "${reference[@]}" -m 64M --append "$words" guest.bin
	grep -E '^(not )?ok [0-9]+ |digest ' "$dir/all_want" >"$dir/want"
	printed all_got "${options[@]}" -m 64M --append "$words" guest.bin
	grep -E '^(not )?ok [0-9]+ |digest ' "$dir/all_got" >"$dir/got"
	diff "$dir/want" "$dir/got" >"$dir/diff" && [ -s "$dir/got" ]
}

# Is it among the programs that the guest was built with?
has_program() { # NAME
	grep -qa "bin/$1" guest.bin
}

matrix_agrees() {
	"$vmm" "${options[@]}" -m 64M matrix.bin >"$dir/matrix" 2>"$dir/err" </dev/null || return 1
	# shellcheck disable=SC2086 # options without blanks
	"$build/tests/matrix_check" ${MATRIX_OPTIONS:-} <"$dir/matrix" >"$dir/diff"
}

# In 5,000 steps each outcome comes: done, and every error code there is.
all_outcomes() {
	local error
	for error in 0 2 3 4 5 6 7 9 b d f; do
		grep -qE "^pt_fuzz end: .* error $error: " "$dir/got" || return 1
	done
}

# Does the line on the engine that was chosen say that it cannot be?
cannot_run() {
	"$vmm" "${options[@]}" --append "test=none exit=0" guest.bin </dev/null >/dev/null 2>"$dir/err"
	[ $? = 102 ]
}

run_row() { # NAME STEPS VMM-OPTION...
	local name=$1 steps=${STEPS:-$2} seed program more
	shift 2
	read -ra more <<<"${OPTIONS:-}"
	options=("$@" "${more[@]}")
	if cannot_run; then
		echo "1..0 # SKIP $name: $(head -n 1 "$dir/err")"
		exit 77
	fi
	if [ "${SMALL:-}" ]; then
		ok "$name: self-tests of paging" same '^ok [0-9]+ ' -m 32M --append test=paging guest.bin
		ok "$name: 200 calls of mmapfuzz" same_results mmapfuzz -- -n 200
		paging_tests
		return
	fi
	ok "$name: self-tests" same '^ok [0-9]+ ' -m 64M --append test=quick guest.bin
	ok "$name: the memory manager's tests" same '^ok [0-9]+ ' \
		-m 80M --append "test=mm highmem=16M" guest.bin
	for program in usertests mmapfuzz; do
		! has_program $program || ok "$name: $program" same_results $program
	done
	paging_tests
}

# Of the row whose $name, $steps and $options these are.
paging_tests() {
	ok "$name: the permission matrix agrees with the oracle" matrix_agrees
	for seed in 1 2; do
		ok "$name: $steps steps of pt_fuzz, seed $seed" same '^pt_fuzz end' -m 64M \
			--append "seed=$seed steps=$steps ${FUZZ_WORDS:-}" pt_fuzz.bin
		[ "$steps" -lt 2000 ] || ok "$name: with all kinds of outcome" all_outcomes
	done
}

for wanted; do
	found=
	for row in "${rows[@]}"; do
		read -ra words <<<"$row"
		[ "${words[0]}" = "$wanted" ] || continue
		found=1
		run_row "${words[@]}"
	done
	[ $found ] || { echo "matrix_run: no row $wanted" >&2; exit 102; }
done
finish
