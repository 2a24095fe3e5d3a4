#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage, in the box, as root: shadow.sh
#
# Shadow paging by this VMM (engine kvm, mmu shadow, over nested paging) beside KVM's own shadow paging
# (npt=0) and nested paging (npt=1), for what the classic papers on software and hardware MMU
# virtualization compare: computation, page faults, context switches, processes, boot. Times are
# differences of a short and a long run, medians of RUNS; exits are those of the VMM per turn, by cause.
set -eu
bin=build/bin vmm=build/bin/vmm runs=${BENCH_RUNS:-3}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

kvm_amd() { # NPT: load the module anew
	rmmod kvm_amd
	insmod /modules/*kvm-amd.ko npt="$1"
}

median() { # of the numbers on stdin
	sort -n | sed -n "$(((runs + 1) / 2))p"
}

run() { # JSON-FILE VMM-ARG...
	local to=$1
	shift
	"$vmm" --engine kvm -m 128M --json "$to" "$@" </dev/null >/dev/null 2>"$dir/err" ||
		{ cat "$dir/err" >&2; exit 1; }
}

field() { # FILE KEY: the number behind "KEY":, where it is first
	sed -n "s/.*\"$2\": \([0-9]*\).*/\1/p" "$1" | head -n 1
}

# Nanoseconds of one turn: loop images run 1 and 1 + COUNT thousands of turns, or millions of instructions.
turn_ns() { # MMU IMAGE COUNT UNIT
	local n
	for ((n = 0; n < runs; n++)); do
		run "$dir/short" --mmu "$1" --append n=1 "$bin/bench_$2.bin"
		run "$dir/long" --mmu "$1" --append "n=$((1 + $3))" "$bin/bench_$2.bin"
		echo $((($(field "$dir/long" wall_ns) - $(field "$dir/short" wall_ns)) / ($3 * $4)))
	done | median
}

# Milliseconds of a whole run.
whole_ms() { # MMU VMM-ARG...
	local n mmu=$1
	shift
	for ((n = 0; n < runs; n++)); do
		run "$dir/long" --mmu "$mmu" "$@"
		echo $(($(field "$dir/long" wall_ns) / 1000000))
	done | median
}

causes=("shadow fill" "guest page fault" "table write" "MMIO" "privileged instruction" "other exception"
	"port" "interrupt window" "monitor" "signal")

exits() { # TURNS: of the last long run without the short one, as "cause n.nnn, ..."; 0 turns: all of them
	local cause count text=
	for cause in "${causes[@]}"; do
		count=$(field "$dir/long" "$cause")
		if [ "$1" -gt 0 ]; then
			count=$(((count - $(field "$dir/short" "$cause")) * 1000 / $1))
			[ "$count" -lt 1 ] || text+="${text:+, }$cause $((count / 1000)).$(printf %03d $((count % 1000)))"
		elif [ "$count" -gt 0 ]; then
			text+="${text:+, }$cause $count"
		fi
	done
	echo "${text:-none}"
}

loops=("alu computation, 1M instructions|500|1" "fault page fault, lowmem page|10|1000"
	"switch MOV to CR3, cached root|10|1000")

echo "engine kvm beside KVM's own paging; -m 128M, medians of $runs"
printf '%-32s %10s %10s %10s\n' "" "shadow" "npt=0" "npt=1"
declare -A result
for npt in 0 1; do
	kvm_amd $npt
	for row in "${loops[@]}"; do
		IFS='|' read -r label count unit <<<"${row#* }"
		result[$npt${row%% *}]=$(turn_ns direct "${row%% *}" "$count" "$unit")
	done
	result[${npt}fork]=$(whole_ms direct --append "init=/bin/forkbomb -- 64" "$bin/guest.bin")
	result[${npt}boot]=$(whole_ms direct --append "test=none exit=0" "$bin/guest.bin")
done
for row in "${loops[@]}"; do
	IFS='|' read -r label count unit <<<"${row#* }"
	name=${row%% *}
	ns=$(turn_ns shadow "$name" "$count" "$unit")
	printf '%-32s %7d ns %7d ns %7d ns  exits: %s\n' "$label" "$ns" "${result[0$name]}" \
		"${result[1$name]}" "$(exits $((count * unit)))"
done
ms=$(whole_ms shadow --append "init=/bin/forkbomb -- 64" "$bin/guest.bin")
printf '%-32s %7d ms %7d ms %7d ms  exits: %s\n' "boot, 64 processes forked" "$ms" "${result[0fork]}" \
	"${result[1fork]}" "$(exits 0)"
ms=$(whole_ms shadow --append "test=none exit=0" "$bin/guest.bin")
printf '%-32s %7d ms %7d ms %7d ms  exits: %s\n' "boot" "$ms" "${result[0boot]}" "${result[1boot]}" \
	"$(exits 0)"
