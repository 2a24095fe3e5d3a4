#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage, in the box: kvm_shadow_suite.sh [matrix]
#        (from outside: box.sh BUILD-FOLDER [--npt=0] tests/box/kvm_shadow_suite.sh)
#
# What the guest shows on engine kvm under the VMM's own page tables, in one start of the box. The
# current folder is the root of the source tree. Prints KTAP; exits 1 if anything is not as it
# should be. `matrix`: that part alone; STEPS: of pt_fuzz.
set -u
# shellcheck source=tests/ktap.sh
. tests/ktap.sh
bin=build/bin vmm=build/bin/vmm
npt=$(cat /sys/module/kvm_amd/parameters/npt) || exit 2
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
shadow=(--engine kvm --mmu shadow)

lines() { # OUTPUT VMM-ARG...
	local to=$1
	shift
	"$vmm" "$@" -m 32M "$bin/guest.bin" --append test=quick </dev/null >"$to" 2>"$dir/err" ||
		cat "$dir/err"
}

same_lines() {
	lines "$dir/soft" --engine soft --mmu direct
	lines "$dir/shadow" "${shadow[@]}"
	diff "$dir/soft" "$dir/shadow" && grep -qE '^ok [0-9]+ ' "$dir/shadow"
}

# TCG takes what is read and written for a read where it faults (pt_fuzz.c). A user program that
# looks at its IOPL sees the 1 of ring 1 (vmm/engine/README.md).
every_guest() {
	FUZZ_WORDS="tcg=1" STEPS=${STEPS:-1000} KNOWN_FAILURES=sigreturn_gives_no_privileges \
		tests/guest/matrix_run.sh build kvm_shadow
}

bad_images() {
	printf '#!/bin/sh\nexec %s "$@" %s\n' "$PWD/$vmm" "${shadow[*]}" >"$dir/vmm_shadow"
	chmod +x "$dir/vmm_shadow"
	tests/hostile/bad_images_test.sh build/tests/bad_images "$dir/vmm_shadow"
}

echo "# engine kvm, mmu shadow, npt=$npt"
if [ "${1:-}" = matrix ]; then
	every_guest
	exit
fi
suite "what engine.h promises" build/tests/engine_test kvm shadow
# TCG checks no limits of flat segments; whether an access may wrap is up to the CPU (SDM vol. 3,
# 5.3).
suite "attacks end as on engine soft" env KNOWN_DIFFERENCES='^a (read|write) across 4 GiB' \
	tests/hostile/attack_test.sh "$bin" "$vmm" "${shadow[@]}"
# some with either kind of paging below, since all of it takes long
if [ "$npt" = Y ]; then
	suite "guest.bin prints what it prints on soft" same_lines
	suite "the guest from outside" tests/guest/guest_test.sh "$bin" "$vmm" "${shadow[@]}"
	suite "bad images" bad_images
else
	suite "guests that test paging, as on soft" env SMALL=1 "$0" matrix
	suite "tables out of sync, audited" "$vmm" "${shadow[@]}" --shadow-sync unsync --shadow-audit \
		-m 64M "$bin/guest.bin" --append test=quick
fi
finish
