#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: variants_test.sh SOURCE-FOLDER BIN-FOLDER
#
# The guest as others build it: with clang, and with the other splits of the address space. Each
# must pass as many self-tests on BIN-FOLDER/vmm as BIN-FOLDER/guest.bin does. Prints KTAP; exits 1
# if anything is not as it should be.
set -u
# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../ktap.sh"
source=$(realpath "$1") bin=$(realpath "$2")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 2

explain() { tail -n 20 "$dir/log" | sed 's/^/#   /'; }

# What the command said stands below a failure.
quiet() { "$@" >"$dir/log" 2>&1; }

guest() { # IMAGE APPEND: its result line and split
	"$bin/vmm" --engine soft --append "$2" "$1" </dev/null | grep -E '^(# Totals|shadowbox guest|not ok)'
	[ "${PIPESTATUS[0]}" = 0 ]
}

as_many() { # IMAGE APPEND: tests as BIN-FOLDER's pass
	guest "$1" "$2" | tee result && [ "${PIPESTATUS[0]}" = 0 ] &&
		[ "$(tail -n 1 result)" = "$(guest "$bin/guest.bin" "$2" | tail -n 1)" ]
}

variant() { # NAME SPLIT CMAKE-OPTION...: builds guest.bin alone, and runs it
	local name=$1 split=$2
	shift 2
	cmake -S "$source" -B "$name" -G Ninja "$@" && ninja -C "$name" bin/guest.bin &&
		as_many "$name/bin/guest.bin" test=quick && grep -qF "$split split" result
}

# Programs are where they were, and end where the kernel begins now.
users() { # NAME
	as_many "$1/bin/guest.bin" init=/bin/usertests &&
		"$bin/vmm" --engine soft "$1/bin/guest.bin" </dev/null >demo && grep -E '^stack .* agrees$' demo &&
		"$bin/vmm" --engine soft --append 'init=/bin/mmapfuzz -- -n 2000' "$1/bin/guest.bin" </dev/null >fuzz &&
		grep ' 0 differences' fuzz
}

# That it was not ignored: the compiler leaves its name in the file.
by_clang() { readelf -p .comment "$dir/clang/guest-objects/guest/kernel/main.c.o" | grep clang; }

refused() { # GUEST_CC
	! cmake -S "$source" -B refused -G Ninja -DGUEST_CC="$1" 2>err && cat err &&
		grep -qF "GUEST_CC=$1" err && rm -r refused
}

ok "guest.bin by clang, VMSPLIT=2G, passes its self-tests" quiet variant clang 2G/2G -DGUEST_CC=clang -DVMSPLIT=2G
ok "and its user space passes usertests, the demonstration and mmapfuzz" quiet users clang
ok "clang made it" quiet by_clang
ok "guest.bin with VMSPLIT=1G passes its self-tests" quiet variant 1g 1G/3G -DVMSPLIT=1G
ok "and its user space passes usertests, the demonstration and mmapfuzz" quiet users 1g
ok "a GUEST_CC that is no compiler is refused by name" quiet refused /bin/false
ok "a GUEST_CC that does not exist is refused by name" quiet refused no-such-compiler
finish
