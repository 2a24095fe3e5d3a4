#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: bad_images_test.sh BAD-IMAGES VMM
#
# Every bad image, one after another: status 102, one line on stderr that names the file and says
# what is wrong, nothing on stdout, nothing left behind. Prints KTAP.
set -u
maker=$(realpath "$1") vmm=$(realpath "$2")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/images"
"$maker" "$dir/images" >"$dir/list" || exit 2
cd "$dir/images" || exit 2
ls >"$dir/before"
tests=0 failed=0

judge() { # FILE PART
	timeout 20 "$vmm" --engine soft -m 80M "$1" >"$dir/out" 2>"$dir/err" </dev/null
	[ $? = 102 ] && [ "$(wc -l <"$dir/err")" = 1 ] && [ ! -s "$dir/out" ] &&
		grep -qF -- "$1" "$dir/err" && grep -qF -- "$2" "$dir/err"
}

while IFS=$'\t' read -r file part; do
	tests=$((tests + 1))
	if judge "$file" "$part"; then
		echo "ok $tests $file"
	else
		failed=$((failed + 1))
		echo "not ok $tests $file: wanted \"$part\""
		sed 's/^/#   /' "$dir/err"
	fi
done <"$dir/list"
ls >"$dir/after"
cmp -s "$dir/before" "$dir/after" || { failed=$((failed + 1)); echo "# files were left behind"; }

echo "1..$tests"
echo "$((tests - failed)) passed, $failed failed"
[ "$failed" = 0 ] && [ "$tests" -gt 0 ]
