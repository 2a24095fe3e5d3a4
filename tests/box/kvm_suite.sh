#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage, in the box: kvm_suite.sh [matrix]
#        (from outside: box.sh BUILD-FOLDER [--npt=0] tests/box/kvm_suite.sh)
#
# Everything that the guest shows on engine kvm, in one start of the box. The current folder is
# the root of the source tree. `matrix`: all that tests paging, and no more; STEPS: of pt_fuzz.
# Prints KTAP; exits 1 if anything is not as it should be.
set -u
# shellcheck source=tests/ktap.sh
. tests/ktap.sh
bin=build/bin vmm=build/bin/vmm
npt=$(cat /sys/module/kvm_amd/parameters/npt) || exit 2
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

# What TCG's SVM does otherwise than the manual, each with its section (SDM vol. 3):
#
# With nested paging (npt=1) TCG walks the guest's tables. It sets A in a PDE before it has looked
# at the PTE (4.8 lets a CPU do that), and gives error code 8 for a reserved bit (4.7: P is set, 9).
# Without it (npt=0) KVM emulates the walk and does neither.
#
# Without nested paging KVM intercepts #PF and injects it on the next VMRUN. TCG delivers an
# injected exception without remembering it as the first of two, so that #NP from #PF's own gate
# arrives as #NP, where it is a double fault (6.15, table 6-5).
if [ "$npt" = Y ]; then
	export MATRIX_OPTIONS="--early-accessed --rsvd-without-p" KNOWN_FAILURES='' FUZZ_WORDS="tcg=1"
else
	export MATRIX_OPTIONS='' KNOWN_FAILURES=df_when_the_gate_of_pf_is_absent
	export FUZZ_WORDS="tcg=1 npt0=1 split=0" # what KVM's own shadow MMU gets wrong: pt_fuzz.c
fi

# A self-test that is known to fail prints other lines; those are taken out on both sides.
lines() { # ENGINE RAM
	local known=${KNOWN_FAILURES:-none}
	"$vmm" --engine "$1" -m "$2" --append test=quick "$bin/guest.bin" </dev/null 2>"$dir/err" >"$dir/all"
	grep -vE "^# guest/tests/|^(not )?ok [0-9]+ ($known)\$|^# Totals" "$dir/all"
	[ -s "$dir/all" ] || cat "$dir/err"
}

same_lines() { # RAM
	lines soft "$1" >"$dir/soft"
	lines kvm "$1" >"$dir/kvm"
	diff "$dir/soft" "$dir/kvm" && grep -qE '^ok [0-9]+ ' "$dir/kvm"
}

bad_images() {
	printf '#!/bin/sh\nexec %s "$@" --engine kvm\n' "$PWD/$vmm" >"$dir/vmm_kvm"
	chmod +x "$dir/vmm_kvm"
	tests/hostile/bad_images_test.sh build/tests/bad_images "$dir/vmm_kvm"
}

echo "# engine kvm, npt=$npt"
if [ "${1:-}" = matrix ]; then
	tests/guest/matrix_run.sh build kvm
	exit
fi
suite "what engine.h promises" build/tests/engine_test kvm
suite "a host that fails" tests/fault/host_fault_test.sh "$vmm" "$bin/guest.bin" \
	build/tests/libhost_fault.so
suite "the guest from outside" tests/guest/guest_test.sh "$bin" "$vmm" --engine kvm
suite "preemption in the guest" \
	"$vmm" --engine kvm -m 80M --append "test=preempt highmem=16M" "$bin/guest.bin"
suite "user space" env CALLS=500 tests/guest/user_test.sh "$bin" "$vmm" --engine kvm
for ram in 32M 3G; do
	suite "guest.bin prints what it prints on soft, $ram" same_lines $ram
done
suite "guests that test paging, as on soft" env SMALL=1 STEPS=5000 tests/guest/matrix_run.sh build kvm
suite "bad images" bad_images
if [ "$npt" = Y ]; then # what it shows does not hang on the kind of paging
	suite "the command line" tests/unit/cli_test.sh "$vmm" "$bin/guest.bin" vmm/cli/vmm.1
	suite "the shell at a terminal" env PATIENCE=60 tests/guest/shell_test.sh "$bin" "$vmm" --engine kvm
	suite "signals and the terminal" tests/unit/signals_test.sh "$vmm" "$bin/guest.bin"
fi
finish
