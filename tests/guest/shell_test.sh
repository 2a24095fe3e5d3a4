#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: shell_test.sh BIN-FOLDER VMM [VMM-OPTION...]
#
# The shell as a person at a terminal meets it: script(1) makes the terminal, and this types.
# Answers are told from the echo of what was typed by $?, which is typed as such. BIN-FOLDER holds
# guest.bin. Prints KTAP; exits 1 if anything is not as it should be, and with 77 where there is no
# script(1).
# shellcheck source=tests/guest_lib.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../guest_lib.sh"
patience=${PATIENCE:-30}
cd "$dir" || exit 2
command -v script >/dev/null || { echo "1..0 # SKIP there is no script(1), which makes a terminal"; exit 77; }

explain() {
	tail -n 15 out | tr -d '\033\r' | sed 's/^/#   /'
}

lines() { # REGEX: how many lines of the guest it matches as a whole
	tr -d '\r' <out | grep -cE "^($1)\$"
}

# Until COUNT lines (1) are REGEX; PATIENCE seconds at most, then nothing more is typed.
answers() { # REGEX [COUNT]
	local i
	for ((i = 0; i < 50 * patience; i++)); do
		[ "$(lines "$1")" -lt "${2:-1}" ] || return 0
		sleep 0.02
	done
	echo "$1" >missed
	exit
}

keys() { printf '%b' "$1"; }

# The guest at a terminal, at which CONVERSATION types; vmm must end with STATUS.
session() { # CONVERSATION STATUS VMM-ARG...
	local conversation=$1 want=$2
	shift 2
	: >out
	rm -f missed status
	printf '%q ' "$vmm" --timeout $((10 * patience)) "${options[@]}" "$@" "$bin/guest.bin" >inside
	printf '>out 2>err\necho $? >status\n' >>inside
	{
		answers 'shadowbox shell; .*'
		"$conversation"
		for ((i = 0; i < 50 * patience; i++)); do [ ! -s status ] || break; sleep 0.02; done
	} | script -qec 'bash inside' /dev/null >/dev/null 2>&1
	[ ! -e missed ] || { echo "#   no such line: $(cat missed)"; return 1; }
	[ "$(cat status)" = "$want" ] || { echo "#   status $(cat status), not $want"; return 1; }
}

up='\033[A' left='\033[D' right='\033[C' erase='\177'

edits_lines() {
	keys 'echo ran-$?\r'
	answers 'ran-0'
	keys "$up\r"
	answers 'ran-0' 2
	keys "eco home-\$?\001$right${right}h\r"
	answers 'home-0'
	keys "echo ledt-\$?$left$left$left$left${erase}f$right\r"
	answers 'left-0'
	keys 'garbage\025echo cut-$?\r'
	answers 'cut-0'
	keys 'layo\t\r'
	answers 'stack .* agrees'
	keys 'nonsense\003echo after-$?\r'
	answers 'after-[0-9]+'
	keys 'exit 7\r'
}

runs_programs() {
	keys 'cat /proc/self/maps | grep stack | wc\r'
	answers ' *1 +6 .*'
	keys 'cat /proc/self/maps | grep stack | wc -l\r'
	answers ' *1 '
	keys 'echo lost >/bin/new\r'
	answers 'sh: /bin/new: Read-only file system'
	keys 'echo lost >/dev/null && cat </tests/text >/dev/null; echo kept-$?\r'
	answers 'kept-0'
	keys 'sleep 1 &\r'
	keys 'jobs\r'
	answers '\[[0-9]+\] running  sleep 1 &'
	keys 'wait; echo waited-$?\r'
	answers 'waited-0'
	keys 'false; echo failed-$?\r'
	answers 'failed-1'
	keys 'exit\r'
}

# Seconds of the guest are not the host's: a ^C that comes too early meets the shell, and does
# nothing.
stops_programs() {
	keys 'cat\r'
	keys "whole\r" # perhaps before cat is there
	answers whole
	keys "lime${erase}${erase}ne\r"
	answers 'line'
	keys '\003'
	answers '\^C' # what is typed before is lost with it, as on Linux
	keys 'echo stopped-$?\r'
	answers 'stopped-130'
	keys 'cat\rwords\r'
	answers words
	keys '\004'
	keys 'echo ended-$?\r'
	answers 'ended-0'
	keys '\004'
}

is_replaced() {
	keys 'kill -9 $$\r'
	answers 'init: the shell: Killed'
	answers 'shadowbox shell; .*' 2
	keys 'exit 3\r'
}

passes_usertests() {
	keys 'usertests >/dev/null; echo passed-$?\r'
	answers 'passed-[0-9]+'
	keys 'cat /proc/mm_check; exit\r'
}

ok "the shell starts, edits lines and ends the machine with its status" session edits_lines 7
ok "it runs programs: pipes, redirections, in the background" session runs_programs 0
ok "^C stops a program, ^D ends its input, and the shell's" session stops_programs 0
ok "a shell that is killed is started again" session is_replaced 3
ok "usertests pass at a terminal" session passes_usertests 0
ok "all of them" test "$(lines passed-0)" = 1
ok "and memory is in order" test "$(lines '0 violations')" = 1
finish
