#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench.sh BUILD-FOLDER [NAME...]: benchmarks, each side by side in one run with the peer it names.
# NAME is soft, kvm, shadow, mm, user or soak (default: all but soak).
set -euo pipefail
build=$1
shift
bin=$build/bin
pair=$build/tests/pair
qemu=(qemu-system-i386 -accel tcg -M "microvm,acpi=off,pic=on,pit=on,rtc=on,isa-serial=on"
	-nodefaults -no-user-config -display none -no-reboot -serial stdio
	-device "isa-debug-exit,iobase=0xf4,iosize=0x04")

head_line() {
	printf '%-34s %13s %13s %8s\n' "$1" "$2" "$3" "$4"
}

bench_soft() {
	local loop insns=1000000000
	echo "engine soft beside QEMU $(qemu-system-i386 --version | sed -n 's/.*version \([0-9.]*\).*/\1/p') TCG (-M microvm), whole processes, medians; ratio > 1: vmm is faster"
	head_line "guest" "vmm" "QEMU TCG" "ratio"
	for loop in alu mem call; do
		"$pair" -n 3 -a 0 -b 1 -i $insns "bench_$loop, $((insns / 1000000))M instructions" -- \
			"$bin/vmm" --engine soft "$bin/bench_$loop.bin" -- \
			"${qemu[@]}" -m 1G -kernel "$bin/bench_$loop.bin"
	done
	"$pair" -n 21 -a 0 -b 1 "guest.bin, init's demonstration" -- \
		"$bin/vmm" --engine soft "$bin/guest.bin" -- \
		"${qemu[@]}" -m 1G -kernel "$bin/guest.bin"
}

# Where the host's own KVM cannot run the guest, in the box.
bench_kvm() {
	local box
	box=$(dirname "$(readlink -f "$0")")/../box/box.sh
	if "$bin/vmm" --engine kvm --mmu direct --append "test=none exit=0" "$bin/guest.bin" >/dev/null 2>&1; then
		bench_kvm_here
	else
		echo "this host's KVM cannot run the guest, so: in the box, whose time is a count of instructions, one a nanosecond: the guest's, KVM's and the VMM's"
		"$box" "$build" --qemu --icount --timeout 900 env BENCH_RUNS="${BENCH_RUNS:-1}" \
			BENCH_COUNT="${BENCH_COUNT:-50}" tests/bench/bench.sh build kvm_here
	fi
}

# Always in the box: both kinds of KVM's own paging are there. Its time is a count of instructions,
# those of the guest, of KVM and of the VMM together.
bench_shadow() {
	echo "in the box, whose time is a count of instructions, one a nanosecond"
	"$(dirname "$(readlink -f "$0")")/../box/box.sh" "$build" --icount --timeout 900 \
		env BENCH_RUNS="${BENCH_RUNS:-1}" BENCH_ONLY="${BENCH_ONLY:-}" tests/bench/shadow.sh
}

bench_kvm_here() {
	local loop kvm=("${qemu[@]}") demonstration='init=/bin/sh -- -c "/etc/demonstration; exit 7"'
	kvm[2]=kvm
	declare -A label=([out]="OUT, one exit" [mmio]="MMIO read, one exit"
		[irq]="interrupt and 4 port accesses")
	echo "engine kvm beside a bare KVM_RUN loop and QEMU -accel kvm (-M microvm); one turn of a guest, medians"
	printf '%-34s %12s %12s %12s %9s %9s\n' "" vmm bare QEMU vmm/bare QEMU/vmm
	for loop in out mmio irq; do
		"$build/tests/kvm_turns" -n "${BENCH_RUNS:-5}" -c "${BENCH_COUNT:-200}" -s 001 "${label[$loop]}" -- \
			"$bin/vmm" --engine kvm --mmu direct -m 128M --append n=@N@ "$bin/bench_$loop.bin" -- \
			"$build/tests/kvm_bare" "$bin/bench_$loop.bin" @N@ -- \
			"${kvm[@]}" -m 128M -append n=@N@ -kernel "$bin/bench_$loop.bin"
	done
	head_line "whole processes" "vmm" "QEMU kvm" "ratio"
	# 7 and not 0: a QEMU that cannot start ends with 1, as one does whose guest exits with 0
	"$pair" -n "${BENCH_RUNS:-5}" -a 7 -b 15 "guest.bin, init's demonstration" -- \
		"$bin/vmm" --engine kvm --mmu direct -m 128M --append "$demonstration" "$bin/guest.bin" -- \
		"${kvm[@]}" -m 128M -append "$demonstration" -kernel "$bin/guest.bin"
	"$pair" -n "${BENCH_RUNS:-5}" -a 7 -b 15 "guest.bin, the kernel's start alone" -- \
		"$bin/vmm" --engine kvm --mmu direct -m 128M --append "test=none exit=7" "$bin/guest.bin" -- \
		"${kvm[@]}" -m 128M -append "test=none exit=7" -kernel "$bin/guest.bin"
}

# Instructions of one turn of what mm_bench calls NAME; "-" if that is not there.
mm_count() { # NAME TURNS
	local out=$scratch/callgrind.out total
	valgrind --tool=callgrind --callgrind-out-file="$out" --toggle-collect=mm_bench_counted \
		"$build/tests/mm_bench" --count "$1" >"$scratch/log" 2>&1 || { echo -; return; }
	total=$(sed -n 's/.*Collected : *//p' "$scratch/log")
	echo $((total / $2))
}

# The same for the boot, without what fills and copies memory: in the guest that is one instruction
# each.
mm_count_boot() {
	local total other
	total=$(mm_count boot 1)
	[ "$total" != - ] || { echo -; return; }
	other=$(callgrind_annotate "$scratch/callgrind.out" |
		awk '/(memset|memcpy|memmove)[^ ]* / { gsub(",", "", $1); sum += $1 } END { print sum + 0 }')
	echo $((total - other))
}

mm_row() { # LABEL INSTRUCTIONS-X86-64 INSTRUCTIONS-I686 [GOAL]
	local verdict="" count
	if [ $# -eq 4 ]; then
		verdict="goal: at most $4: met"
		for count in "$2" "$3"; do
			[ "$count" = - ] || [ "$count" -le "$4" ] || verdict="goal: at most $4: MISSED"
		done
	fi
	printf '%-34s %12s %12s  %s\n' "$1" "$2" "$3" "$verdict"
}

bench_mm() {
	local none pair name count
	declare -A in_guest
	scratch=$(mktemp -d)
	trap 'rm -r "$scratch"' EXIT
	export GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384 # jemalloc is loaded late
	echo "mm/ on this host beside the allocators of C programs, medians; ratio > 1: ours is faster"
	"$build/tests/mm_bench"
	while read -r name count; do in_guest[$name]=$count; done < <(
		"$bin/vmm" --engine soft --append test=count "$bin/guest.bin" </dev/null | grep -E '^[a-z_]+ [0-9]+$')
	command -v valgrind >/dev/null ||
		echo "on x86-64 instructions are not counted: valgrind is not installed"
	echo "instructions: on this host by callgrind, and in the guest by engine soft"
	printf '%-34s %12s %12s\n' "" x86-64 i686
	none=$(mm_count nothing 10000) # the loop and the calls; 3 are those of two empty functions
	for pair in "kmalloc kmalloc + kfree, 64 bytes|50" "glibc malloc + free of glibc|" \
		"jemalloc malloc + free of jemalloc|" "mimalloc mi_malloc + mi_free|" \
		"page alloc_page + __free_pages|80"; do
		name=${pair%% *}
		mm_pair "$none" "$name" "${in_guest[$name]:--}" "${pair#* }"
	done
	mm_row "kmem_cache_alloc + kmem_cache_free" - "${in_guest[kmem_cache]:--}" 50
	mm_row "boot of 1 GiB, memset and memcpy not" "$(mm_count_boot)" - 3000000
}

mm_pair() { # INSTRUCTIONS-OF-NOTHING NAME INSTRUCTIONS-I686 "LABEL|GOAL"
	local count
	count=$(mm_count "$2" 10000)
	[ "$count" = - ] || count=$((count - $1 + 3))
	if [ -n "${4##*|}" ]; then
		mm_row "${4%|*}" "$count" "$3" "${4##*|}"
	else
		mm_row "${4%|*}" "$count" "$3"
	fi
}

# What ubench prints, "NAME NUMBER" each, beside the same binary on this host's Linux and, as KVM
# is, in the box. Soft counts instructions; the others are nanoseconds, and no ratio of the two
# means anything.
bench_user() {
	local name soft goal
	declare -A linux on_kvm goals=([getpid]=150 [anonymous_fault]=2500 [fork_per_page]=120)
	while read -r name soft; do linux[$name]=$soft; done < <("$build/user/root/bin/ubench" 2>/dev/null)
	while read -r name soft; do on_kvm[$name]=$soft; done < <(user_on_kvm)
	echo "user space: guest instructions on soft; nanoseconds on Linux $(uname -r) by int 0x80, and in the guest on engine kvm"
	printf '%-24s %12s %12s %12s\n' "" soft Linux kvm
	while read -r name soft; do
		case $name in *[!a-zA-Z0-9_]* | '') continue ;; esac
		goal=${goals[$name]:-}
		[ -z "$goal" ] || goal="goal: under $goal: $([ "$soft" -lt "$goal" ] && echo met || echo MISSED)"
		printf '%-24s %12s %12s %12s  %s\n' "$name" "$soft" "${linux[$name]:--}" "${on_kvm[$name]:--}" "$goal"
	done < <("$bin/vmm" --engine soft --append init=/bin/ubench "$bin/guest.bin" </dev/null | grep -E '^[a-zA-Z0-9_]+ [0-9]+$')
}

# Here, or where the host's own KVM cannot run the guest, in the box.
user_on_kvm() {
	local box
	box=$(dirname "$(readlink -f "$0")")/../box/box.sh
	{ timeout 60 "$bin/vmm" --engine kvm --mmu direct --append init=/bin/ubench "$bin/guest.bin" </dev/null 2>/dev/null ||
		timeout 600 "$box" "$build" --timeout 500 build/bin/vmm --engine kvm --mmu direct -m 256M \
			--append init=/bin/ubench build/bin/guest.bin </dev/null 2>/dev/null; } |
		tr -d '\r' | grep -E '^[a-zA-Z0-9_]+ [0-9]+$' || true
}

# Not in the default list: long runs that must only hold.
bench_soak() {
	echo "the memory manager against its model, 1,000,000 operations"
	"$build/tests/mm_model" --count 1000000 --seed "${SOAK_SEED:-1}"
	echo "mmapfuzz in the guest, 1,000,000 calls"
	"$bin/vmm" --engine soft --append "init=/bin/mmapfuzz -- -s ${SOAK_SEED:-1} -n 1000000" \
		"$bin/guest.bin" </dev/null | grep -E '^(mmapfuzz|call|[0-9]+:)'
	[ "${PIPESTATUS[0]}" = 0 ] || return 1
	soak_paging
}

# Every way to run a guest, audited, with the full counts; those of engine kvm in the box.
soak_paging() {
	local tests npt row
	tests=$(dirname "$(readlink -f "$0")")/..
	for row in strict strict_drop strict_hoard unsync unsync_drop unsync_hoard least; do
		echo "all that tests paging, $row, 100,000 steps of pt_fuzz"
		STEPS=100000 OPTIONS=--shadow-audit "$tests/guest/matrix_run.sh" "$build" $row
	done
	for npt in 1 0; do
		echo "the same on engine kvm in the box, npt=$npt"
		for row in kvm kvm_shadow; do
			"$tests/box/box.sh" "$build" --npt=$npt --timeout 20000 env STEPS=100000 \
				tests/box/${row}_suite.sh matrix
		done
	done
}

[ $# -gt 0 ] || set -- soft kvm shadow mm user
for name in "$@"; do
	if [ "$(type -t "bench_$name")" != function ]; then
		echo "bench: no benchmark \"$name\"; there is: soft, kvm, shadow, mm, user, soak" >&2
		exit 102
	fi
	"bench_$name"
done
