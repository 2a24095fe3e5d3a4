#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# lint.sh BUILD-FOLDER: formatting, includes, form of files, clang-tidy. Run by ./x lint.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
build=$1
status=0
fail() { printf 'lint: %s\n' "$*" >&2; status=1; }

mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.c' '*.h')
mapfile -t code < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' '*.S')

echo "lint: formatting of ${#sources[@]} files"
clang-format --dry-run -Werror "${sources[@]}" || fail "formatting: run clang-format -i on the files above"

# --- who may include whom (design: modules and what each may know) --------------------------------
# folder: folders and files it may include besides system headers
rules='
vmm/base     base/
vmm/x86      base/ x86/
vmm/mmu      base/ x86/ mmu/
vmm/dev      base/ dev/
vmm/engine   base/ x86/ mmu/ engine/ machine/ram.h
vmm/machine  base/ x86/ mmu/ dev/ engine/ machine/
vmm/inspect  base/ x86/ mmu/ engine/ machine/ inspect/
vmm/cli      base/ x86/ mmu/ dev/ engine/ machine/ inspect/ cli/
mm           mm/
'
echo "lint: includes"
check_includes() { # FOLDER ALLOWED...
	local folder=$1 file line name allowed ok
	shift
	for file in $(git ls-files --cached --others --exclude-standard "$folder/*.[chS]"); do
		while IFS= read -r line; do
			name=${line#*\"}
			name=${name%%\"*}
			ok=
			for allowed in "$@"; do
				case $name in "$allowed"*) ok=1 ;; esac
			done
			[ -n "$ok" ] || fail "$file: may not include \"$name\""
		done < <(grep -hE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$file" || true)
	done
}
while read -r folder allowed; do
	# shellcheck disable=SC2086
	[ -z "$folder" ] || check_includes "$folder" $allowed
done <<<"$rules"
# The guest may include itself and mm/, never the VMM.
if grep -nE '#[[:space:]]*include[[:space:]]*"(\.\./)*vmm/' -r guest mm 2>/dev/null; then
	fail "guest/ and mm/ may not include vmm/"
fi

# --- form ------------------------------------------------------------------------------------------
echo "lint: form of files"
for file in "${code[@]}"; do
	head -n 1 "$file" | grep -q 'SPDX-License-Identifier: MIT' || fail "$file: no SPDX line first"
	lines=$(wc -l <"$file")
	[ "$lines" -le 650 ] || fail "$file: $lines lines; is it one concern?"
done
if grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${code[@]}"; then
	fail "leftovers: do them"
fi
if command -v shellcheck >/dev/null; then
	mapfile -t scripts < <(git ls-files --cached --others --exclude-standard x '*.sh' .ci/run)
	shellcheck "${scripts[@]}" || fail "shellcheck"
fi

echo "lint: clang-tidy"
mapfile -t tidy < <(printf '%s\n' "${sources[@]}" | grep -E '^vmm/.*\.c$')
printf '%s\n' "${tidy[@]}" |
	xargs -P "$(nproc)" -n 4 clang-tidy -p "$build" --quiet --warnings-as-errors='*' 2>/dev/null ||
	fail "clang-tidy"

[ "$status" -eq 0 ] && echo "lint: clean"
exit "$status"
