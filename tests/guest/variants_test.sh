#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: variants_test.sh SOURCE-FOLDER BIN-FOLDER
#
# The guest as others build it: with clang, and with the other splits of the address space. Each
# must pass as many self-tests on BIN-FOLDER/vmm as BIN-FOLDER/guest.bin does. Prints KTAP; exits 1 if
# anything is not as it should be.
set -u
source=$(realpath "$1") bin=$(realpath "$2")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 2
tests=0 failed=0

ok() { # NAME COMMAND...: one result; what the command said stands below a failure
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$dir/log" 2>&1; then
		echo "ok $tests $name"
	else
		failed=$((failed + 1))
		echo "not ok $tests $name"
		tail -n 20 "$dir/log" | sed 's/^/#   /'
	fi
}

guest() { # IMAGE: its result line and split
	"$bin/vmm" --engine soft --append test=quick "$1" </dev/null | grep -E '^(# Totals|shadowbox guest|not ok)'
	[ "${PIPESTATUS[0]}" = 0 ]
}

variant() { # NAME SPLIT CMAKE-OPTION...: builds guest.bin alone, and runs it
	local name=$1 split=$2
	shift 2
	cmake -S "$source" -B "$name" -G Ninja "$@" && ninja -C "$name" bin/guest.bin &&
		guest "$name/bin/guest.bin" | tee "$name.result" && [ "${PIPESTATUS[0]}" = 0 ] &&
		grep -qF "$split split" "$name.result" &&
		[ "$(tail -n 1 "$name.result")" = "$(guest "$bin/guest.bin" | tail -n 1)" ]
}

# That it was not ignored: the compiler leaves its name in the file.
by_clang() { readelf -p .comment "$dir/clang/guest-objects/guest/kernel/main.c.o" | grep clang; }

refused() { # GUEST_CC
	! cmake -S "$source" -B refused -G Ninja -DGUEST_CC="$1" 2>err && cat err &&
		grep -qF "GUEST_CC=$1" err && rm -r refused
}

ok "guest.bin by clang, VMSPLIT=2G, passes its self-tests" variant clang 2G/2G -DGUEST_CC=clang -DVMSPLIT=2G
ok "clang made it" by_clang
ok "guest.bin with VMSPLIT=1G passes its self-tests" variant 1g 1G/3G -DVMSPLIT=1G
ok "a GUEST_CC that is no compiler is refused by name" refused /bin/false
ok "a GUEST_CC that does not exist is refused by name" refused no-such-compiler

echo "1..$tests"
echo "$((tests - failed)) passed, $failed failed"
[ "$failed" = 0 ]
