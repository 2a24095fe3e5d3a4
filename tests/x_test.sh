#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: x_test.sh X
#
# What ./x says where it cannot go on: each time status 102 and one line. Nothing is installed or
# built: the programs that x finds are few, or stand-ins. Prints KTAP; exits 1 if anything is not as
# it should be.
set -u
# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/ktap.sh"
x=$(realpath "$1")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

explain() {
	sed 's/^/#   /' "$dir/err"
}

stand_in() { # NAME SCRIPT; never through a link to the machine's own program
	rm -f "$dir/bin/$1"
	printf '#!/bin/sh\n%s\n' "$2" >"$dir/bin/$1"
	chmod +x "$dir/bin/$1"
}

refused() { # REGEX X-ARG...: status 102, and one line that matches
	local want=$1 status
	shift
	PATH=$path /usr/bin/env bash "$x" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	[ "$status" = 102 ] || { echo "#   status $status, not 102"; return 1; }
	[ "$(wc -l <"$dir/err")" = 1 ] && grep -qE -- "^x: $want" "$dir/err" && [ ! -s "$dir/out" ]
}

path=$PATH
ok "an unknown command is refused by name" refused 'no command "nonsense"' nonsense
ok "fuzz: what is no number is refused by name" refused 'fuzz wants seconds, a whole number, not "abc"' fuzz abc
ok "fuzz: nor is 0" refused 'fuzz wants seconds' fuzz 0

# A machine with next to nothing on it.
mkdir "$dir/bin"
for program in bash cat dirname env readlink sed uname; do
	ln -s "$(type -P $program)" "$dir/bin/"
done
stand_in id 'echo 0'
path=$dir/bin
ok "without apt-get: what is missing, by name" refused 'missing, and there is no apt-get .*: gcc cmake ninja .*shellcheck' run
stand_in id 'echo 1000'
stand_in apt-get 'exit 100'
ok "neither root nor sudo: what would mend it" refused 'missing: gcc .*; run this as root or install sudo' run
installs() { # X says that it installs, tries twice, and gives up
	PATH=$path /usr/bin/env bash "$x" run >"$dir/out" 2>"$dir/err" </dev/null
	[ $? = 102 ] && [ "$(tail -n 1 "$dir/err")" = "x: apt-get failed; it says above why" ] &&
		[ "$(grep -c '^called: ' "$dir/err")" = 2 ]
}
stand_in sleep ''
stand_in id 'echo 0'
stand_in apt-get 'echo "called: $*" >&2; exit 100'
ok "apt-get that fails twice" installs

ok "help lists every command" bash -c "'$x' help | grep -cE '^  (deps|run|test|bench|box|lint|fuzz) ' | grep -qx 7"

finish
