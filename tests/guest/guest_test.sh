#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: guest_test.sh BIN-FOLDER VMM [VMM-OPTION...]
#
# The guest from outside, on one engine: its self-tests, how it ends, determinism, and what the
# post-mortem of a broken one says. BIN-FOLDER holds guest.bin and guest.elf. Prints KTAP; exits 1 if
# anything is not as it should be.
set -u
bin=$(realpath "$1") vmm=$(realpath "$2")
shift 2
options=("$@")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$bin" || exit 2
tests=0 failed=0

ok() { # NAME COMMAND...: one result
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@"; then
		echo "ok $tests $name"
	else
		failed=$((failed + 1))
		echo "not ok $tests $name"
		echo "#   $*"
		tail -n 5 "$dir/out" | sed 's/^/#   stdout: /'
		head -n 20 "$dir/err" | sed 's/^/#   stderr: /'
	fi
}

run() { # VMM-ARG...: streams into files, status into $status
	"$vmm" "${options[@]}" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
}

ends() { # STATUS VMM-ARG...
	local want=$1
	shift
	run "$@"
	[ "$status" = "$want" ] || { echo "#   status $status, not $want"; false; }
}

says() { # FILE REGEX
	grep -qE -- "$2" "$dir/$1" || { echo "#   nothing in $1 matches: $2"; false; }
}

passes() { # VMM-ARG...: self-tests all pass
	ends 0 "$@" guest.bin && ! grep -q '^not ok' "$dir/out" && says out '^# Totals: pass:[0-9]+ fail:0'
}

for tlb in normal drop hoard; do
	ok "self-tests pass with tlb $tlb" passes --tlb $tlb
done
for ram in 32M 80M 1G 3G; do
	ok "self-tests pass with $ram of RAM" passes -m $ram
done

ok "guest's exit status 7 is vmm's" ends 7 --append "test=none exit=7" guest.bin
ok "guest's exit status 99 is vmm's" ends 99 --append "test=none exit=99" guest.bin
ok "a value above 99 ends with 100" ends 100 --append "test=none exit=300" guest.bin
ok "and is named" says err '300'

ok "a panic ends with 100" ends 100 --append test=panic guest.bin
ok "the guest's own panic text is on stdout" says out 'panic'
ok "a post-mortem names the guest's panic" says err 'panicked'

ok "a triple fault ends with 100" ends 100 --append test=triple guest.bin
ok "its chain of exceptions is told" says err '#BP.*|#GP|#DF'
ok "with the double fault" says err '#DF'
ok "with registers" says err 'eax|EAX'
ok "with the control registers" says err 'CR3|cr3'
ok "with a disassembly around EIP" says err 'int3|int 3'
ok "with the page walk of EIP" says err 'PDE'
ok "with symbols from guest.elf" says err '[a-z_]+\+0x'

ok "an endless loop ends at the time limit with 101" ends 101 --timeout 0.3 --append test=hang guest.bin

same_twice() { # VMM-ARG...: two runs give the same bytes
	run "$@" && cp "$dir/out" "$dir/first" && run "$@" && cmp -s "$dir/out" "$dir/first"
}

case " ${options[*]} " in
*" kvm "*) ;; # real time, no instruction count
*)
	ok "an endless loop ends at the instruction limit with 101" \
		ends 101 --limit-insns 5000000 --append test=hang guest.bin
	ok "two runs give the same bytes" same_twice guest.bin
	ok "and the same with tlb hoard" same_twice --tlb hoard guest.bin
	count() {
		run --json "$dir/json" "$@" guest.bin
		sed -n 's/.*"\(instructions\|virtual_ns\|guest_page_faults\)": \([0-9]*\).*/\1 \2/p' "$dir/json"
	}
	same_counts() {
		local a b
		a=$(count "$@") b=$(count "$@")
		[ -n "$a" ] && [ "$a" = "$b" ]
	}
	ok "two runs count the same instructions, time and faults" same_counts
	printf 'Hello, World\nquit\n' >"$dir/input"
	echo_from_file() {
		"$vmm" "${options[@]}" --append test=echo guest.bin <"$dir/input" >"$dir/$1" 2>"$dir/err"
	}
	ok "input from a file reaches the guest" echo_from_file out
	ok "and comes back in upper case" says out 'HELLO, WORLD'
	echo_again() { echo_from_file out2 && cmp -s "$dir/out" "$dir/out2"; }
	ok "the same bytes each time" echo_again
	;;
esac

echo_from_pipe() {
	{ sleep 0.2; printf 'piped line\nquit\n'; } |
		"$vmm" "${options[@]}" --append test=echo --timeout 20 guest.bin >"$dir/out" 2>"$dir/err" &&
		says out 'PIPED LINE'
}
ok "input from a pipe reaches a waiting guest" echo_from_pipe

echo "1..$tests"
echo "$((tests - failed)) passed, $failed failed"
[ "$failed" = 0 ]
