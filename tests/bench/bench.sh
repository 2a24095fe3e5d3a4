#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench.sh BUILD-FOLDER [NAME...]: benchmarks, each side by side in one run with the peer it names.
# NAME is soft or kvm (default: all).
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
	"$pair" -n 21 -a 0 -b 1 "guest.bin, start to exit" -- \
		"$bin/vmm" --engine soft "$bin/guest.bin" -- \
		"${qemu[@]}" -m 1G -kernel "$bin/guest.bin"
}

# Where the host's own KVM cannot run the guest, in the box.
bench_kvm() {
	local box
	box=$(dirname "$(readlink -f "$0")")/../box/box.sh
	if "$bin/vmm" --engine kvm --append "test=none exit=0" "$bin/guest.bin" >/dev/null 2>&1; then
		bench_kvm_here
	else
		echo "this host's KVM cannot run the guest, so: in the box, where TCG emulates SVM and an exit costs about 36 us (1 to 2 us on hardware)"
		"$box" "$build" --qemu --timeout 900 env BENCH_RUNS="${BENCH_RUNS:-3}" BENCH_COUNT=5 \
			tests/bench/bench.sh build kvm_here
	fi
}

bench_kvm_here() {
	local loop label kvm=("${qemu[@]}")
	kvm[2]=kvm
	declare -A label=([out]="OUT, one exit" [mmio]="MMIO read, one exit"
		[irq]="interrupt and 4 port accesses")
	echo "engine kvm beside a bare KVM_RUN loop and QEMU -accel kvm (-M microvm); one turn of a guest, medians"
	printf '%-34s %12s %12s %12s %9s %9s\n' "" vmm bare QEMU vmm/bare QEMU/vmm
	for loop in out mmio irq; do
		"$build/tests/kvm_turns" -n "${BENCH_RUNS:-5}" -c "${BENCH_COUNT:-200}" -s 001 "${label[$loop]}" -- \
			"$bin/vmm" --engine kvm -m 128M --append n=@N@ "$bin/bench_$loop.bin" -- \
			"$build/tests/kvm_bare" "$bin/bench_$loop.bin" @N@ -- \
			"${kvm[@]}" -m 128M -append n=@N@ -kernel "$bin/bench_$loop.bin"
	done
	head_line "whole processes" "vmm" "QEMU kvm" "ratio"
	# 7 and not 0: a QEMU that cannot start ends with 1, as one does whose guest exits with 0
	"$pair" -n "${BENCH_RUNS:-5}" -a 7 -b 15 "guest.bin, start to exit" -- \
		"$bin/vmm" --engine kvm -m 128M --append exit=7 "$bin/guest.bin" -- \
		"${kvm[@]}" -m 128M -append exit=7 -kernel "$bin/guest.bin"
	"$pair" -n "${BENCH_RUNS:-5}" -a 7 -b 15 "the same without its self-tests" -- \
		"$bin/vmm" --engine kvm -m 128M --append "test=none exit=7" "$bin/guest.bin" -- \
		"${kvm[@]}" -m 128M -append "test=none exit=7" -kernel "$bin/guest.bin"
}

[ $# -gt 0 ] || set -- soft kvm
for name in "$@"; do
	if [ "$(type -t "bench_$name")" != function ]; then
		echo "bench: no benchmark \"$name\"; there is: soft, kvm" >&2
		exit 102
	fi
	"bench_$name"
done
