#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: attack_test.sh BIN-FOLDER VMM [VMM-OPTION...]
#
# hostile_attack.bin with the options given ends each attack as engine soft with mmu direct does,
# and what has to stop the machine stops it with the same words. KNOWN_DIFFERENCES: a regular
# expression for lines that may differ on this host. Prints KTAP; exits 1 if anything is not as it
# should be.
# shellcheck source=tests/guest_lib.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../guest_lib.sh"

explain() {
	head -n 5 "$dir/err" | sed 's/^/#   stderr: /'
}

attacks() { # OUTPUT VMM-OPTION...
	local to=$1
	shift
	"$vmm" "$@" -m 32M --timeout 60 hostile_attack.bin </dev/null 2>"$dir/err" >"$dir/all" || return 1
	grep -vE "^visible:|${KNOWN_DIFFERENCES:-^\$}" "$dir/all" >"$to"
	[ "$(wc -l <"$to")" -gt 600 ]
}

same_outcomes() {
	attacks "$dir/soft" --engine soft --mmu direct || return 1
	attacks "$dir/out" "${options[@]}" || return 1
	diff "$dir/soft" "$dir/out" | sed 's/^/#   /'
	cmp -s "$dir/soft" "$dir/out"
}

stops() { # NUMBER TEXT: the machine ends with 100, and the first line says so
	local status
	"$vmm" "${options[@]}" -m 32M --timeout 20 --append "stop=$1" hostile_attack.bin </dev/null \
		>"$dir/out" 2>"$dir/err"
	status=$?
	[ "$status" = 100 ] || { echo "#   status $status, not 100"; return 1; }
	grep -v '^vmm: engine' "$dir/err" | head -n 1 | grep -qF -- "not supported: $2" ||
		{ echo "#   the first line does not say: $2"; return 1; }
}

visible() { # NAME RING VECTOR EAX: a line of what can be seen, as it is in vmm/engine/README.md
	grep -qE "^visible: $1 0000000$2 000000$3 00000000 [0-9a-f]{8} $4 \$" "$dir/all" ||
		{ echo "#   $(grep "^visible: $1 0000000$2" "$dir/all")"; return 1; }
}

ok "each attack ends as on engine soft" same_outcomes
ok "IRET with NT" stops 0 "IRET with EFLAGS.NT: hardware task switching"
ok "far call to a task gate" stops 1 "far call to a task gate: hardware task switching"
ok "far jump to a task gate" stops 2 "far jump to a task gate: hardware task switching"
ok "far jump to a TSS" stops 3 "far jump to a TSS: hardware task switching"
ok "IRET to virtual-8086 mode" stops 4 "IRET to virtual-8086 mode"
ok "a task gate in the IDT" stops 5 "task gate in the IDT: hardware task switching"
ok "real mode" stops 6 "real mode (CR0.PE cleared)"
case " ${options[*]} " in
*" kvm "*" shadow "*)
	"$vmm" "${options[@]}" -m 32M --timeout 60 hostile_attack.bin </dev/null 2>"$dir/err" >"$dir/all"
	ok "visible: PUSHF shows IOPL 1 at ring 0" visible "IOPL of PUSHF" 0 f0 00001000
	ok "visible: and at ring 3" visible "IOPL of PUSHF" 3 f0 00001000
	ok "visible: PUSHF by the executor shows it, too" \
		visible "IOPL of PUSHF into a descriptor table" 0 f0 00001000
	ok "visible: POPF does not change IOPL" visible "POPF changes IOPL" 0 f0 00001000
	ok "visible: a pushed CS has RPL 1" visible "CS that a far CALL pushes" 0 f0 00000009
	ok "visible: so has SS" visible "MOV from SS" 0 f0 00000011
	ok "visible: LAR shows DPL 1" visible "LAR of the running code" 0 f0 00c0bb00
	ok "visible: LSL finds no TSS" visible "LSL of a TSS" 0 f0 00000000
	ok "visible: VERR finds what was loaded before" visible "VERR of a segment not loaded yet" 0 f0 00000000
	ok "visible: VERW does so, too" visible "VERW of a segment not loaded yet" 0 f0 00000000
	ok "visible: VMMCALL is KVM's" visible "VMMCALL" 0 f0 ffffffff
	ok "IRET to ring 1" stops 7 "return to ring 1, which is taken"
	ok "IRET to ring 2" stops 8 "ring 1 or 2, which a deprivileged guest does not have"
	;;
esac
finish
