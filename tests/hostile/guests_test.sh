#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: guests_test.sh BIN-FOLDER VMM [VMM-OPTION...]
#
# Guests that once held engine soft, or that it must give up on: each ends as it should, soon. A run
# that reaches --timeout is a failure. Prints KTAP; exits 1 if anything is not as it should be.
# shellcheck source=tests/guest_lib.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../guest_lib.sh"

explain() {
	head -n 8 "$dir/err" | sed 's/^/#   stderr: /'
}

ends() { # STATUS TEXT VMM-ARG...: the status, and the first line on stderr
	local want=$1 text=$2 status
	shift 2
	timeout 60 "$vmm" --engine soft "${options[@]}" --timeout 20 "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	[ "$status" = "$want" ] || { echo "#   status $status, not $want"; return 1; }
	[ -z "$text" ] || head -n 1 "$dir/err" | grep -qF -- "$text" ||
		{ echo "#   the first line does not say: $text"; return 1; }
}

# By itself, whatever the end of virtual time is called.
ends_alone() { # VMM-ARG...
	ends 101 "" "$@" || ends 100 "" "$@" || return 1
	! grep -q "time limit" "$dir/err"
}

ok "a guest that sleeps from day to day ends with virtual time" ends_alone hostile_alarm.bin
for tlb in normal drop hoard; do
	ok "and by --limit-insns, tlb $tlb" \
		ends 101 "the limit of 100000 instructions" --tlb $tlb --limit-insns 100000 hostile_alarm.bin
	ok "interrupts that let no instruction run count, tlb $tlb" \
		ends 101 "the limit of 100000 instructions" --tlb $tlb --limit-insns 100000 hostile_livelock.bin
	ok "a long REP counts by its elements, tlb $tlb" \
		ends 101 "the limit of 1000000 instructions" --tlb $tlb --limit-insns 1000000 hostile_rep.bin
	ok "IRET to virtual-8086 mode is named, tlb $tlb" \
		ends 100 "not supported: IRET to virtual-8086 mode: iretd" --tlb $tlb hostile_vm86.bin
	ok "a data breakpoint on the frame of a handler is not lost, tlb $tlb" \
		ends 0 "" --tlb $tlb hostile_breakpoint.bin
done

finish
