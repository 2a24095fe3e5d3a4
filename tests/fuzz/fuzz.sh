#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: fuzz.sh BUILD-FOLDER SECONDS
#
# Each libFuzzer target for SECONDS, all cores at work, then 2,000,000 sequences of instructions
# against this CPU. The corpora grow under BUILD-FOLDER/fuzz/corpus. Stops at the first finding; the
# input that shows it lies in BUILD-FOLDER/fuzz then.
set -euo pipefail
build=$(realpath "$1") seconds=$2
cd "$build/fuzz"
jobs=$(nproc)

for target in loader exec dev; do
	mkdir -p "corpus/$target"
	[ ! -x "seed_$target" ] || "./seed_$target" "corpus/$target"
	echo "fuzz: $target, $seconds s on $jobs cores"
	"./fuzz_$target" -max_total_time="$seconds" -jobs="$jobs" -workers="$jobs" -timeout=20 \
		-rss_limit_mb=4096 -print_final_stats=1 -verbosity=0 "corpus/$target" >"$target.log" 2>&1 ||
		{ tail -n 40 "$target.log" fuzz-*.log; exit 1; }
	cat fuzz-*.log | grep -E 'number_of_executed_units' || true
	rm -f fuzz-*.log
done
echo "fuzz: instructions against this CPU"
"$build/tests/differential" --count 2000000 --seed 2 --jobs "$jobs"
