# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For test scripts to source: results as KTAP lines. A script may define explain(), which prints
# what helps with a failed result: its streams, say.

tests=0 failed=0

# ok NAME COMMAND...: one result; the command says which.
ok() {
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@"; then
		echo "ok $tests $name"
	else
		failed=$((failed + 1))
		echo "not ok $tests $name"
		echo "#   $*"
		! declare -F explain >/dev/null || explain
	fi
}

# suite NAME COMMAND...: one result of a command that prints results of its own, which stand
# indented above it; how long it took stands below.
suite() {
	local name=$1
	shift
	SECONDS=0
	ok "$name" indented "$@"
	echo "# $SECONDS s"
}

indented() {
	"$@" 2>&1 | sed 's/^/    /'
	[ "${PIPESTATUS[0]}" = 0 ]
}

# skip NAME REASON
skip() {
	tests=$((tests + 1))
	echo "ok $tests $1 # SKIP $2"
}

# The plan and the sum; fails if a result did.
finish() {
	echo "1..$tests"
	echo "# Totals: pass:$((tests - failed)) fail:$failed"
	[ "$failed" = 0 ]
}
