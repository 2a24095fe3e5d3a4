#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: qemu_test.sh BIN-FOLDER MATRIX.bin MATRIX-CHECK VMM [VMM-OPTION...]
#
# The same images on QEMU (TCG, the microvm machine), on the VMM, and what each prints. guest.bin
# must print the same lines; the paging matrix is compared with the oracle that knows neither.
# Prints KTAP; exits 1 if anything is not as it should be.
set -u
# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../ktap.sh"
bin=$(realpath "$1") matrix=$(realpath "$2") check=$(realpath "$3") vmm=$(realpath "$4")
shift 4
options=("$@")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$bin" || exit 2

# QEMU appends nothing to the command line; vmm says by tty= whether stdin is a terminal. The matrix
# reads no command line.
qemu() { # IMAGE RAM [WORDS]: console on stdout; QEMU's exit port ends it with (v << 1) | 1
	timeout 120 qemu-system-i386 -accel tcg \
		-M microvm,acpi=off,pic=on,pit=on,rtc=on,isa-serial=on -nodefaults \
		-no-user-config -display none -no-reboot -serial stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=0x04 -m "$2" -append "${3:-test=quick} tty=0" \
		-kernel "$1" </dev/null
	[ $? = 1 ]
}

same_lines() { # IMAGE RAM
	qemu "$1" "$2" >"$dir/qemu" || { echo "#   QEMU did not end with status 0"; return 1; }
	"$vmm" "${options[@]}" -m "$2" --append test=quick "$1" >"$dir/vmm" 2>"$dir/err" </dev/null ||
		{ sed 's/^/#   /' "$dir/err"; return 1; }
	diff "$dir/qemu" "$dir/vmm" | sed 's/^/#   /'
	cmp -s "$dir/qemu" "$dir/vmm"
}

for ram in 32M 80M 1G 3G; do
	ok "guest.bin prints what it prints on QEMU, $ram" same_lines guest.bin $ram
done

# What the fuzzer allows with tcg=1 it tells itself.
pt_fuzz() { # SEED
	local words="seed=$1 steps=100000 tcg=1"
	{ qemu pt_fuzz.bin 64M "$words" >"$dir/qemu" &&
		"$vmm" "${options[@]}" -m 64M --append "$words" pt_fuzz.bin >"$dir/vmm" 2>"$dir/err" \
			</dev/null; } || { tail -n 5 "$dir/qemu" "$dir/vmm" | sed 's/^/#   /'; return 1; }
	diff "$dir/qemu" "$dir/vmm" | sed 's/^/#   /'
	[ "${PIPESTATUS[0]}" = 0 ]
}
for seed in 1 2 3; do
	ok "100,000 random changes of page tables mean what they mean on QEMU, seed $seed" pt_fuzz $seed
done

usertests_on_qemu() { # RAM
	if ! qemu guest.bin "$1" init=/bin/usertests >"$dir/qemu" ||
		! grep -q '^# Totals: pass:2[0-9]* fail:0 skip:0' "$dir/qemu"; then
		grep -E '^not ok|^#' "$dir/qemu" | head -n 20
		return 1
	fi
}
ok "usertests pass on QEMU" usertests_on_qemu 256M

matrix_qemu() {
	qemu "$matrix" 64M >"$dir/matrix" &&
		"$check" --early-accessed --rsvd-without-p <"$dir/matrix" | sed 's/^/#   /'
	[ "${PIPESTATUS[0]}" = 0 ]
}
matrix_vmm() { # VMM-OPTION...
	"$vmm" "${options[@]}" "$@" -m 64M "$matrix" >"$dir/matrix" 2>"$dir/err" </dev/null ||
		{ sed 's/^/#   /' "$dir/err"; return 1; }
	"$check" <"$dir/matrix" | sed 's/^/#   /'
	[ "${PIPESTATUS[0]}" = 0 ]
}
# QEMU sets A in a PDE before it has looked at the PTE, as real CPUs may (SDM vol. 3, 4.8 leaves
# that open), and reports a reserved bit with error code 8 (the manual, 4.7: P is set, 9).
ok "the paging matrix on QEMU agrees with the oracle, two known deviations aside" matrix_qemu
for tlb in normal drop hoard; do
	ok "the paging matrix agrees with the oracle, tlb $tlb" matrix_vmm --tlb $tlb
done

finish
