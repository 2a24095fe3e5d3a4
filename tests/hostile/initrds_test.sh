#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: initrds_test.sh INITRDS BIN-FOLDER VMM [VMM-OPTION...]
#
# Archives of all kinds as the file system: a program runs, or the guest panics and says what is
# wrong and where. Never a hang. Where QEMU is there, it hands the good one over, too. Prints KTAP.
set -u
# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../ktap.sh"
maker=$(realpath "$1") bin=$(realpath "$2") vmm=$(realpath "$3")
shift 3
options=("$@")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
"$maker" "$dir" >"$dir/list" || exit 2
cd "$dir" || exit 2

explain() {
	tail -n 12 "$dir/out" | sed 's/^/#   /'
}

ends() { # STATUS TEXT VMM-ARG...
	local want=$1 text=$2 status
	shift 2
	timeout 60 "$vmm" --engine soft "${options[@]}" "$@" "$bin/guest.bin" >"$dir/out" 2>&1 </dev/null
	status=$?
	[ "$status" = "$want" ] || { echo "#   status $status, not $want"; return 1; }
	grep -qF -- "$text" "$dir/out" || { echo "#   it does not say: $text"; return 1; }
}

while IFS=$'\t' read -r file status says; do
	ok "${file%.cpio}" ends "$status" "$says" --initrd "$file" --append init=/init
done <"$dir/list"

ok "/init is found, as in an initramfs of Linux" ends 0 "1 files, 0 directories" --initrd good.cpio

ok "what does not fit into memory is told" \
	ends 100 "no memory for its" -m 24M --initrd many_files.cpio --append init=/init

# The archive lies beyond what the direct map shows, if HIGHMEM takes nearly all.
head -c 12M /dev/zero >blob
echo blob | cpio -o -H newc --quiet >large.cpio
cat good.cpio >>large.cpio
ok "an archive in HIGHMEM is mapped" \
	ends 0 "2 files" -m 80M --initrd large.cpio --append "init=/init highmem=72M"

# From QEMU as a module, too.
on_qemu() {
	timeout 60 qemu-system-i386 -accel tcg -M microvm,acpi=off,pic=on,pit=on,rtc=on,isa-serial=on \
		-m 64M -nodefaults -no-reboot -display none -serial stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$bin/guest.bin" \
		-initrd "$1" -append init=/init >"$dir/out" 2>&1 </dev/null
	[ $? = $((($2 << 1) | 1)) ]
}
if command -v qemu-system-i386 >/dev/null; then
	ok "QEMU hands a good one over" on_qemu good.cpio 0
	ok "and a bad one" on_qemu cut_in_a_file.cpio 100
else
	skip "QEMU hands a good one over" "there is no qemu-system-i386"
fi
finish
