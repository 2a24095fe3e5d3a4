#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench.sh BUILD-FOLDER [NAME...]: benchmarks, each side by side in one run with the peer it names.
# NAME is soft (default: all).
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

[ $# -gt 0 ] || set -- soft
for name in "$@"; do
	if [ "$(type -t "bench_$name")" != function ]; then
		echo "bench: no benchmark \"$name\"; there is: soft" >&2
		exit 102
	fi
	"bench_$name"
done
