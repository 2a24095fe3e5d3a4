#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: bad_images_test.sh BAD-IMAGES VMM
#
# Every bad image, one after another: status 102, one line on stderr that names the file and says
# what is wrong, nothing on stdout, nothing left behind. Prints KTAP.
set -u
# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../ktap.sh"
maker=$(realpath "$1") vmm=$(realpath "$2")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/images"
"$maker" "$dir/images" >"$dir/list" || exit 2
cd "$dir/images" || exit 2
ls >"$dir/before"

judge() { # FILE PART
	timeout 20 "$vmm" --engine soft -m 80M "$1" >"$dir/out" 2>"$dir/err" </dev/null
	[ $? = 102 ] && [ "$(wc -l <"$dir/err")" = 1 ] && [ ! -s "$dir/out" ] &&
		grep -qF -- "$1" "$dir/err" && grep -qF -- "$2" "$dir/err"
}

explain() {
	sed 's/^/#   stderr: /' "$dir/err"
}

while IFS=$'\t' read -r file part; do
	ok "$file" judge "$file" "$part"
done <"$dir/list"
ok "there are bad images" test "$tests" -gt 0
ls >"$dir/after"
ok "no files are left behind" cmp "$dir/before" "$dir/after"
finish
