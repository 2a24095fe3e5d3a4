#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: linux_native_test.sh BIN-FOLDER USER-ROOT VMM [VMM-OPTION...]
#
# Linux as the oracle: the same binaries of USER-ROOT on this host's kernel and in the guest must
# print the same. Differences of single tests stand in linux_differences, each with its reason.
# CALLS: how many mmapfuzz makes (20,000 if not told). Exits with 77 where the host cannot run
# 32-bit programs.
set -u
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
# shellcheck source=tests/ktap.sh
. "$here/../ktap.sh"
bin=$(realpath "$1") root=$(realpath "$2") vmm=$(realpath "$3")
shift 3
options=("$@")
calls=${CALLS:-20000}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

if ! "$root/bin/true" 2>/dev/null; then
	echo "1..0 # SKIP this host's kernel does not run 32-bit programs (CONFIG_IA32_EMULATION)"
	exit 77
fi

guest() { # PROGRAM ARG...: its lines, without the kernel's
	timeout 600 "$vmm" "${options[@]}" --append "init=/bin/$1 -- ${*:2}" "$bin/guest.bin" \
		</dev/null 2>"$dir/err" | sed -n "/^${first_line:?}/,\$p"
}

# What is known to differ is taken from both: names of tests, with the lines that explain a failure.
results() { # FILE
	grep -E '^(not )?ok ' "$1" | sed -E 's/^(not ok|ok) [0-9]+ /\1 /' |
		grep -vwFf <(grep -v '^#' "$here/linux_differences" | cut -d' ' -f1)
}

usertests_agree() {
	first_line=KTAP
	timeout 300 "$root/bin/usertests" >"$dir/linux"
	guest usertests >"$dir/guest"
	diff <(results "$dir/linux") <(results "$dir/guest") | sed 's/^/#   /'
	[ "${PIPESTATUS[0]}" = 0 ] && [ "$(results "$dir/linux" | wc -l)" -gt 200 ] &&
		! grep -q '^not ok' "$dir/linux"
}

# Each line of linux_differences names a test that Linux does not run, and the guest passes.
differences_are_differences() {
	local name rest status=0
	while read -r name rest; do
		case $name in '#'* | '') continue ;; esac
		if ! grep -qE "^ok [0-9]+ $name # SKIP" "$dir/linux" ||
			! grep -qE "^ok [0-9]+ $name\$" "$dir/guest" || [ -z "$rest" ]; then
			echo "#   $name"
			status=1
		fi
	done <"$here/linux_differences"
	return $status
}

mmapfuzz_agrees() { # SEED
	first_line=mmapfuzz
	timeout 600 "$root/bin/mmapfuzz" -s "$1" -n "$calls" >"$dir/linux"
	guest mmapfuzz -s "$1" -n "$calls" >"$dir/guest"
	diff "$dir/linux" "$dir/guest" | head -n 10 | sed 's/^/#   /'
	cmp -s "$dir/linux" "$dir/guest" && grep -q ' 0 differences' "$dir/linux"
}

long_tests_agree() { # NAME...
	timeout 300 "$root/bin/usertests" "$@" >"$dir/linux"
	guest usertests "$@" | diff "$dir/linux" - | sed 's/^/#   /'
	[ "${PIPESTATUS[1]}" = 0 ] && grep -q "^# Totals: pass:$# fail:0 skip:0" "$dir/linux"
}

linux_survives_syscallfuzz() {
	timeout 120 "$root/bin/syscallfuzz" -n 5000 >"$dir/linux" && grep -q '^syscallfuzz: 5000 calls' "$dir/linux"
}

ok "usertests give on Linux what they give in the guest" usertests_agree
ok "what is listed as a difference is one" differences_are_differences
ok "and more than 65,535 mappings of a page are counted here and there" long_tests_agree more_than_65535
for seed in 1 2 3; do
	ok "mmapfuzz prints the same on Linux and in the guest, seed $seed" mmapfuzz_agrees $seed
done
ok "the system call fuzzer's harmless list is harmless" linux_survives_syscallfuzz
finish
