#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: user_test.sh BIN-FOLDER VMM [VMM-OPTION...]
#
# User space from outside, on one engine: the demonstration, usertests, mmapfuzz and syscallfuzz.
# BIN-FOLDER holds guest.bin. CALLS: how many mmapfuzz makes (20,000 if not told); the system call
# fuzzer makes ten times as many. Prints KTAP; exits 1 if anything is not as it should be.
# shellcheck source=tests/guest_lib.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../guest_lib.sh"
calls=${CALLS:-20000}

explain() {
	tail -n 15 "$dir/out" | sed 's/^/#   stdout: /'
	head -n 10 "$dir/err" | sed 's/^/#   stderr: /'
}

ends() { # STATUS VMM-ARG...
	local want=$1 status
	shift
	timeout 900 "$vmm" "${options[@]}" "$@" guest.bin >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	[ "$status" = "$want" ] || { echo "#   status $status, not $want"; false; }
}

says() { # REGEX
	grep -qE -- "$1" "$dir/out" || { echo "#   no line matches: $1"; false; }
}

equal() { [ "$1" = "$2" ] || { printf '%s\n' "$1" | sed 's/^/#   /'; false; }; }

# A shell's -c; what it says last must be the checkers' word.
in_order_after() { # COMMAND
	if ! ends 0 --append "init=/bin/sh -- -c \"$1 && cat /proc/mm_check\"" ||
		[ "$(tail -n 1 "$dir/out")" != "0 violations" ]; then
		grep -E '^not ok|^#' "$dir/out" | head -n 20
		false
	fi
}

ok "the demonstration ends with 0" ends 0
ok "and shows a program's regions, which agree" says '^stack .* rw-p .* agrees$'
ok "its copy on write" says 'page 0, child writes .* mapped twice +-> .* mapped once$'
ok "its memory under load" says '^memhog: 8 of 8 MiB written, 0 pages read back wrong'
ok "it runs in 32 MiB" ends 0 -m 32M
ok "usertests pass" in_order_after usertests
ok "none is skipped" says '^# Totals: pass:2[0-9]{2} fail:0 skip:0$'
ok "a page may have 66,000 mappings" in_order_after "usertests more_than_65535"
ok "which is one test" says '^# Totals: pass:1 fail:0 skip:0$'
ok "unknown system calls are counted by number" ends 0 \
	--append 'show=syscalls init=/bin/usertests -- unknown_calls'
ok "and told at the end" equal "$(sed -n '/^--- syscalls ---/,$p' "$dir/out")" \
	$'--- syscalls ---\n17 1\n222 1\n511 1\nothers 3'
ok "usertests pass with a HIGHMEM zone" ends 0 -m 80M --append "highmem=16M init=/bin/usertests"
ok "mmapfuzz agrees with its model" in_order_after "mmapfuzz -n $calls"
ok "and with another seed" in_order_after "mmapfuzz -s 2 -n $calls"
ok "200 processes at once" in_order_after "forkbomb 200"
ok "who takes memory that is not there is killed, and nobody else" ends 0 -m 32M \
	--append 'init=/bin/sh -- -c "memhog 64; echo status $?; cat /proc/mm_check"'
ok "with a line that names it" says '^Out of memory: Killed process [0-9]+ \(memhog\)'
ok "by SIGKILL" says '^status 137$'
ok "and leaves memory in order" says '^0 violations$'
ok "the system call fuzzer finds nothing" ends 0 -m 128M \
	--append "init=/bin/syscallfuzz -- -n $((10 * calls))"

finish
