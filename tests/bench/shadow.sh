#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage, in the box, as root: shadow.sh
#
# Shadow paging by this VMM (engine kvm, mmu shadow, over nested paging) beside KVM's own shadow
# paging (npt=0) and nested paging (npt=1), for what the classic papers on software and hardware MMU
# virtualization compare: computation, page faults, context switches, processes, boot. Times are
# differences of a short and a long run, medians of RUNS; exits are those of the VMM per operation,
# by cause. Loops of their own first, whose exits have goals; then user programs of guest.bin.
# BENCH_ONLY: a regular expression for the rows that are wanted.
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
	"$vmm" --engine kvm -m 128M --json "$to" "$@" </dev/null >"$dir/out" 2>"$dir/err" ||
		{ cat "$dir/err" >&2; exit 1; }
}

field() { # FILE KEY: the number behind "KEY":, where it is first; 0 if it is nowhere
	sed -n "s/.*\"$2\": \([0-9]*\).*/\1/p; \$s/.*/0/p" "$1" | head -n 1
}

# Label, number of operations between the runs, what divides nanoseconds, its unit, goal; then the
# image and the two command lines.
rows=(
	"computation, 1M instructions|500|1000|us|none|bench_alu|n=1|n=501"
	"page fault, short handler|10000|1000|us|2.1|bench_fault|n=1|n=11"
	"MOV to CR3, cached root|10000|1000|us|switch|bench_switch|n=1|n=11"
	"page fault of a process|12288|1000|us|3.1|guest|ubench fault|ubench fault fault fault fault"
	"switch of processes, by pipes|4000|1000|us||guest|ubench switch|ubench switch switch"
	"fork, exit, wait|16|1000|us||guest|ubench fork_small|ubench fork_small fork_small"
	"vfork, exec, exit, wait|50|1000|us||guest|ubench exec|ubench exec exec"
	"boot to init and end|0|1000000|ms||guest||true"
)

for n in "${!rows[@]}"; do
	[[ ${rows[n]} =~ ${BENCH_ONLY:-.} ]] || unset "rows[n]"
done

# Sets image, short, long, and the rest of a row.
row_read() { # ROW
	IFS='|' read -r label count divisor unit goal image short long <<<"$1"
	if [ "$image" = guest ]; then
		short=${short:+init=/bin/${short/ / -- }}
		long=init=/bin/${long/ / -- }
	fi
}

# What one operation of the last runs took: as ubench has it, or by the difference, or all of the
# long run.
last_ns() {
	local short_ns long_ns told=
	[ "$image" != guest ] || told=$(sed -n 's/^[a-z_0-9A-Z]* \([0-9][0-9]*\)\r*$/\1/p' "$dir/out" | tail -n 1)
	short_ns=$(field "$dir/short" wall_ns) long_ns=$(field "$dir/long" wall_ns)
	echo "${told:-$(((long_ns - short_ns) / (count ? count : 1)))}"
}

# Nanoseconds of an operation of the row that was read.
row_ns() { # MMU
	local n
	for ((n = 0; n < runs; n++)); do
		echo 0 >"$dir/short"
		[ -z "$short" ] || run "$dir/short" --mmu "$1" --append "$short" "$bin/$image.bin"
		run "$dir/long" --mmu "$1" --append "$long" "$bin/$image.bin"
		last_ns
	done | median
}

in_unit() { # NANOSECONDS: with three digits behind the point
	local thousandths=$(($1 * 1000 / divisor)) sign=
	[ $thousandths -ge 0 ] || { sign=- thousandths=$((-thousandths)); }
	printf '%s%d.%03d %s\n' "$sign" $((thousandths / 1000)) $((thousandths % 1000)) "$unit"
}

causes=("shadow fill" "guest page fault" "table write" "MMIO" "privileged instruction" "other exception"
	"port" "interrupt window" "monitor" "signal")

# Exits between the last runs, "cause n.nnn, ..." for each operation in $text, with the sum in
# thousandths in $sum and that of fills in $fills; of the long run as a whole where no operations
# are counted. What the clock brings - its ports, interrupts, and the timer that ends a run - is
# not in the sum.
exits() {
	local cause many
	text='' sum=0 fills=0
	for cause in "${causes[@]}"; do
		many=$(($(field "$dir/long" "$cause") - $(field "$dir/short" "$cause")))
		[ "$count" = 0 ] || many=$((many * 1000 / count))
		[ "$cause" != "shadow fill" ] || fills=$many
		case $cause in port | "interrupt window" | signal) ;; *) sum=$((sum + many)) ;; esac
		[ $many -ge 1 ] || continue
		[ "$count" = 0 ] && text+="${text:+, }$cause $many" ||
			text+="${text:+, }$cause $((many / 1000)).$(printf %03d $((many % 1000)))"
	done
	text=${text:-none}
}

# What was asked of the row: exits, and for computation the time, too.
verdict() { # SHADOW-NS DIRECT-NS
	local met
	case $goal in
	none) met=$((sum < 1000 && $1 * 100 <= $2 * 103)) text+="; goal: within 3 % of direct, no exits" ;;
	switch) met=$((sum < 1050 && fills < 50)) text+="; goal: 1 exit, no fill" ;;
	*.*) met=$((sum <= ${goal%.*}${goal#*.}00)) text+="; goal: at most $goal exits" ;;
	*) return ;;
	esac
	[ $met = 1 ] && text+=": met" || text+=": MISSED"
}

echo "engine kvm beside KVM's own paging; -m 128M, medians of $runs"
printf '%-32s %14s %14s %14s\n' "" "shadow" "npt=0" "npt=1"
declare -A direct
for npt in 0 1; do
	kvm_amd $npt
	for row in "${rows[@]}"; do
		row_read "$row"
		direct[$npt$label]=$(row_ns direct)
	done
done
for row in "${rows[@]}"; do
	row_read "$row"
	ns=$(row_ns shadow)
	exits
	verdict "$ns" "${direct[1$label]}"
	printf '%-32s %14s %14s %14s  exits: %s\n' "$label" "$(in_unit "$ns")" \
		"$(in_unit "${direct[0$label]}")" "$(in_unit "${direct[1$label]}")" "$text"
done
