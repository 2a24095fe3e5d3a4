#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: box_test.sh BUILD-FOLDER
#
# The box itself, from outside. Prints KTAP; exits 1 if anything is not as it should be, and 102
# where there is nothing to make a box of.
set -u
# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../ktap.sh"
here=$(dirname "$(realpath "$0")")
build=$(realpath "$1")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

explain() {
	tail -n 20 "$dir/err" | sed 's/^/#   stderr: /'
}

box() { # streams into files, status into $status; the input is ours
	"$here/box.sh" "$build" --results "$dir/results" --timeout 120 "$@" >"$dir/out" 2>"$dir/err"
	status=$?
}

ends() { # STATUS BOX-ARG...
	local want=$1
	shift
	box "$@" </dev/null
	[ "$status" = "$want" ] || { echo "#   status $status, not $want"; false; }
}

# The same command here and in the box: the same bytes on both streams, the same status.
same() { # COMMAND...
	local want
	"$@" >"$dir/here.out" 2>"$dir/here.err" </dev/null
	want=$?
	ends $want "$@" && cmp "$dir/here.out" "$dir/out" && cmp "$dir/here.err" "$dir/err"
}

is() { # FILE TEXT
	[ "$(cat "$dir/$1")" = "$2" ] || { echo "#   $1 is: $(head -n 3 "$dir/$1")"; false; }
}

says() { # FILE REGEX
	grep -qE -- "$2" "$dir/$1" || { echo "#   nothing in $1 matches: $2"; false; }
}

# What programs do here by default goes to a folder that is looked at in the end.
export TMPDIR=$dir/tmp
mkdir "$TMPDIR"

# --- what it is made of ---------------------------------------------------------------------------
no_kernel() { BOX_KERNEL=$dir/none ends 102 true; }
one_line() { [ "$(wc -l <"$dir/err")" = 1 ] && says err "$1"; }
ok "without the kernel package: 102" no_kernel
ok "one line says what to do" one_line "run ./x deps$"
ok "no command: 102" ends 102
ok "and one line, how to use it" one_line "^box: usage:"
ok "an unknown option: 102" ends 102 --npt=2 true
ok "a bad --timeout: 102" ends 102 --timeout never true
[ -e "${BOX_KERNEL:-$build/box/kernel}/package" ] ||
	{ echo "1..$tests # no kernel for the box: run ./x deps"; exit 102; }

# --- one start: streams, status, results, KVM -----------------------------------------------------
# All 256 bytes on both streams, with arguments that a shell would take apart.
# shellcheck disable=SC2016 # for the shell in the box
bytes='printf "$(for i in 0 1 2 3; do for j in 0 1 2 3 4 5 6 7; do for k in 0 1 2 3 4 5 6 7; do
	printf "\\\\%d%d%d" $i $j $k; done; done; done)"; printf "\\377\\000\\001" >&2
	printf "<%s>" "$@"; exit 7'
# shellcheck disable=SC2016
ok "bytes, arguments and exit status 7 pass unchanged" \
	same bash -c "$bytes" name "two words" "it's" '"double"' '' '$HOME' 'back\slash' '*' $'new\nline' -v --
ok "stdout had every byte" [ "$(wc -c <"$dir/here.out")" -gt 256 ]

# shellcheck disable=SC2016
results='test -c /dev/kvm || exit 1
	echo text >"$RESULTS/one file"; mkdir "$RESULTS/folder"; printf "\000\377" >"$RESULTS/folder/bytes"
	cat /sys/module/kvm_amd/parameters/npt; pwd; test -x build/bin/vmm && cat'
printf 'through\0stdin\n' >"$dir/in"
printf 'Y\n%s\nthrough\0stdin\n' "$(realpath "$here/../..")" >"$dir/want"
with_input() { box sh -c "$results" <"$dir/in" && [ "$status" = 0 ]; }
ok "exit status 0 passes" with_input
ok "npt is on, the folder is the tree, stdin comes through with its end" cmp "$dir/out" "$dir/want"
ok "nothing on stderr but the command's" is err ""
ok "a file of results comes back" is "results/one file" text
printf '\000\377' >"$dir/want"
ok "and one in a folder" cmp "$dir/want" "$dir/results/folder/bytes"

# A large output: not cut at the end, and the pipe's reader may be slow.
big() {
	"$here/box.sh" "$build" seq 200000 </dev/null 2>"$dir/err" | { sleep 4; md5sum; } >"$dir/out"
	seq 200000 | md5sum | cmp - "$dir/out"
}
ok "1.3 MB of output to a slow reader arrive whole" big

# --- how it ends ----------------------------------------------------------------------------------
# shellcheck disable=SC2016
ok "killed by SIGSEGV inside: 139; --npt=0 gives KVM's shadow MMU" \
	ends 139 --npt=0 sh -c 'cat /sys/module/kvm_amd/parameters/npt; kill -SEGV $$'
ok "with its output" is out N
ok "a command that is not there: 127" ends 127 no-such-command
ok "and a line that names it" is err "box: no-such-command: No such file or directory"
ok "a machine that dies: 104" ends 104 sh -c 'echo before; echo c >/proc/sysrq-trigger'
ok "says so" says err '^box: the machine died while the command ran'
ok "with the kernel's last words" says err 'sysrq triggered crash'
ok "what came before is there" is out before
ok "--timeout: 104" ends 104 --timeout 12 sh -c 'echo early; sleep 60'
ok "says how long it waited" says err '^box: .*after 12 seconds'
ok "what came before is there, too" is out early

ended_by() { # SIGNAL: the script is told to end; then nothing of it runs any more
	local pid qemu
	: >"$dir/out"
	"$here/box.sh" "$build" sh -c 'echo ready; sleep 60' >"$dir/out" 2>"$dir/err" </dev/null &
	pid=$!
	for _ in {1..300}; do
		[ ! -s "$dir/out" ] || break
		sleep 0.1
	done
	qemu=$(grep -slx "PPid:.$pid" /proc/[0-9]*/status)
	[ -n "$qemu" ] || { echo "#   it does not run"; return 1; }
	kill "-$1" $pid
	wait $pid 2>/dev/null
	status=$?
	for _ in {1..50}; do # a process that was killed may take its time
		grep -qs '^State:.[^Z]' "$qemu" || break
		sleep 0.1
	done
	! grep -s '^State:.[^Z]' "$qemu" || { echo "#   QEMU still runs: $qemu"; return 1; }
	[ $status = $((128 + $(kill -l "$1"))) ] || { echo "#   status $status"; return 1; }
}
ok "SIGTERM ends it, and QEMU with it" ended_by TERM
ok "SIGKILL ends QEMU, too" ended_by KILL

# --- a terminal -----------------------------------------------------------------------------------
if command -v script >/dev/null; then
	shell() { # what a person types; Ctrl-C goes inside; the terminal is as before
		# shellcheck disable=SC2016
		{ sleep 6; printf 'sleep 50\n'; sleep 1; printf '\003'; sleep 1; printf 'echo $((40+2)); exit 5\n'
		  sleep 3; } |
			SHELL=/bin/sh timeout 60 script -qec "stty -a >$dir/before; $here/box.sh $build sh; \
				echo status \$? >$dir/status; stty -a >$dir/after" "$dir/typescript" >"$dir/out" 2>&1
		is status "status 5"
	}
	ok "an interactive shell: Ctrl-C goes inside, its exit status comes out" shell
	ok "it answers" says out '^42'
	ok "the terminal is as it was before" cmp "$dir/before" "$dir/after"
else
	echo "# no script(1) here: the terminal is not checked"
fi

left() { find "$TMPDIR" "$build/box" -mindepth 1 \( -path "$TMPDIR/*" -o -name 'making.*' \) -newer "$dir/in"; }
nothing_left() { [ -z "$(left)" ] || { left | sed 's/^/#   /'; false; }; }
ok "nothing is left in the temporary folder or the box's own" nothing_left

finish
