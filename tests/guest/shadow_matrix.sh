#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: shadow_matrix.sh BIN-FOLDER MATRIX.bin MATRIX-CHECK VMM
#
# The same guests under {mmu direct, mmu shadow strict, mmu shadow unsync} x {the three TLBs}, and shadow
# with a pool of the least size: the same results everywhere, and the shadow's audit finds nothing
# while they run. Prints KTAP; exits 1 if anything is not as it should be.
set -u
# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../ktap.sh"
bin=$(realpath "$1") matrix=$(realpath "$2") check=$(realpath "$3") vmm=$(realpath "$4")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$bin" || exit 2

explain() {
	tail -n 5 "$dir/out" | sed 's/^/#   stdout: /'
	head -n 10 "$dir/err" | sed 's/^/#   stderr: /'
}

# Columns: what stands for --mmu and its options. Audits do not change a result.
columns=("direct" "shadow --shadow-sync strict --shadow-audit" "shadow --shadow-sync unsync --shadow-audit")
least="shadow --shadow-pages 12 --shadow-audit"

run() { # COLUMN VMM-ARG...: streams into files; true if the status is 0
	local column=$1
	shift
	# shellcheck disable=SC2086 # a column is words
	timeout 300 "$vmm" --engine soft --mmu $column "$@" >"$dir/out" 2>"$dir/err" </dev/null
}

matrix_agrees() { # COLUMN VMM-OPTION...
	run "$@" -m 64M "$matrix" && "$check" <"$dir/out" >"$dir/said" || { sed 's/^/#   /' "$dir/said"; false; }
}

# What the guest prints is the same as under mmu direct, but for what counts instructions.
first=
same_output() { # COLUMN VMM-ARG...
	run "$@" || return 1
	[ -n "$first" ] || { first=$dir/first && cp "$dir/out" "$first"; }
	cmp "$first" "$dir/out"
}

all_columns() { # NAME COMMAND VMM-ARG...: COMMAND COLUMN --tlb KIND VMM-ARG..., in each cell
	local name=$1 command=$2 column tlb
	shift 2
	for tlb in normal drop hoard; do
		first=
		for column in "${columns[@]}"; do
			ok "$name: ${column% --shadow-audit}, tlb $tlb" "$command" "$column" --tlb $tlb "$@"
		done
	done
	ok "$name: 12 shadow pages" "$command" "$least" "$@"
}

all_columns "self-tests" run --append test=quick guest.bin
all_columns "memory manager" run -m 80M --append "test=mm highmem=16M" guest.bin
all_columns "paging matrix" matrix_agrees
first=
for column in "${columns[@]}" "$least"; do
	ok "fuzz of page tables, same digest: ${column% --shadow-audit}" same_output "$column" \
		--append "steps=20000 seed=7" -m 16M pt_fuzz.bin
done

finish
