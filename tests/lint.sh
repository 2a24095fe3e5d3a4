#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# lint.sh BUILD-FOLDER: formatting, includes, form of files, shell scripts, clang-tidy. Run by ./x
# lint.
#
# What is wrong stands above a line "lint: failed: WHAT". clang-tidy skips what was clean before and
# has not changed since; BUILD-FOLDER/lint remembers that.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
build=$(realpath "$1")
status=0
fail() { printf 'lint: failed: %s\n' "$*" >&2; status=1; }
say() { printf 'lint: %s\n' "$*"; }

mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.c' '*.h')
mapfile -t code < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' '*.S')
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard x '*.sh' .ci/run)

say "formatting of ${#sources[@]} files"
clang-format --dry-run -Werror "${sources[@]}" ||
	fail "formatting; run clang-format -i on the files above"

# --- who may include whom (design: layout; modules and what each may know) ------------------------
# folder: what of the project it may include, by path. The rest must be a system header. Where two
# lines hold for a file, the later one counts.
rules='
vmm/base     vmm/base/
vmm/x86      vmm/base/ vmm/x86/
vmm/mmu      vmm/base/ vmm/x86/ vmm/mmu/
vmm/dev      vmm/base/ vmm/dev/
vmm/engine   vmm/base/ vmm/x86/ vmm/mmu/ vmm/engine/ vmm/machine/ram.h
vmm/machine  vmm/base/ vmm/x86/ vmm/mmu/ vmm/dev/ vmm/engine/ vmm/machine/
vmm/inspect  vmm/base/ vmm/x86/ vmm/mmu/ vmm/engine/ vmm/machine/ vmm/inspect/
vmm/cli      vmm/
guest        guest/include/ mm/
guest/bench  guest/include/ guest/bench/
guest/fs     guest/include/ guest/fs/ mm/
guest/tests  guest/include/ guest/tests/ mm/ tests/mm/
guest/user   guest/user/
mm           mm/
tests/mm     mm/ tests/mm/
'
# What a compiler without a C library has: all that mm/, guest/ and what they share may use of it.
freestanding='<(stdint|stddef|stdbool|stdarg|limits)\.h>'
# Interfaces to the host, too, in their part for it.
hosted='mm/errno.h mm/mman.h mm/string.h'

declare -A ours
while read -r file; do ours[$file]=1; done < <(git ls-files --cached --others --exclude-standard)

include_path() { # FROM "NAME" or <NAME>: $path is the file of ours that it means, or empty
	local name=${2:1:-1} root
	local roots=('')
	case $1 in
	vmm/*) roots+=(vmm/) ;;
	guest/user/*) roots+=(guest/user/include/) ;;
	guest/*) roots+=(guest/include/) ;;
	esac
	[ "${2:0:1}" = '<' ] || roots=("${1%/*}/" "${roots[@]}")
	for root in "${roots[@]}"; do
		path=$root$name
		while [[ $path =~ [^/]+/\.\./ ]]; do path=${path/"${BASH_REMATCH[0]}"/}; done
		[ -z "${ours[$path]-}" ] || return 0
	done
	path=
}

check_include() { # FILE "NAME" or <NAME>, ALLOWED...
	local file=$1 text=$2 path allowed
	shift 2
	include_path "$file" "$text"
	if [ -n "$path" ]; then
		for allowed; do
			[ "${path#"$allowed"}" = "$path" ] || return 0
		done
		fail "$file may not include $text"
	elif [ "${text:0:1}" != '<' ]; then
		fail "$file includes $text, which does not exist"
	elif [[ $file != vmm/* && " $hosted " != *" $file "* && ! $text =~ ^$freestanding$ ]]; then
		fail "$file includes $text: there is no C library in the guest"
	fi
}

say "includes"
while IFS=: read -r file text; do
	allowed=()
	while read -r folder list; do
		[[ -z $folder || $file != "$folder"/* ]] || read -ra allowed <<<"$list"
	done <<<"$rules"
	[ ${#allowed[@]} -eq 0 ] || check_include "$file" "$text" "${allowed[@]}"
done < <(grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]*[">]' "${code[@]}" |
	sed 's/:.*include[[:space:]]*/:/')
for folder in vmm/*/; do
	grep -q "^${folder%/} " <<<"$rules" || fail "$folder has no line in the rules of tests/lint.sh"
done

# --- form -----------------------------------------------------------------------------------------
say "form of files"
for file in "${code[@]}"; do
	head -n 1 "$file" | grep -q 'SPDX-License-Identifier: MIT' || fail "$file: no SPDX line first"
	lines=$(wc -l <"$file")
	[ "$lines" -le 650 ] || fail "$file: $lines lines; is it one concern?"
done
# clang-format minds the code; here are the comments. A continuation byte of UTF-8 has no width.
long_comments() {
	awk '/^[[:space:]]*(\/?\*|#( |$))/ {
		text = $0
		match(text, /^\t*/)
		width = 7 * RLENGTH
		gsub(/[\200-\277]/, "", text)
		if (width + length(text) > 100)
			print FILENAME ":" FNR ": " width + length(text) " columns"
	}' "$@"
}
long=$(LC_ALL=C long_comments "${code[@]}" "${scripts[@]}")
[ -z "$long" ] || { printf '%s\n' "$long" >&2; fail "comments of more than 100 columns"; }
if grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${code[@]}"; then
	fail "leftovers: do them"
fi

# --- shell scripts --------------------------------------------------------------------------------
say "shellcheck of ${#scripts[@]} scripts"
shellcheck "${scripts[@]}" || fail "shellcheck"

# --- clang-tidy -----------------------------------------------------------------------------------
# Each file as it is built: by the host's commands, or by the guest's. What both build (mm/) is read
# as the host has it.
commands() { # FILE: the folder of the compile_commands.json that has it
	local folder
	for folder in "$build" "$build/guest-objects"; do
		if grep -qF "\"file\": \"$PWD/$1\"" "$folder/compile_commands.json"; then
			echo "$folder"
			return
		fi
	done
	return 1
}
tidy=()
newest=$(git ls-files --cached --others --exclude-standard -z '*.h' '*.clang-tidy' |
	xargs -0 stat -c '%Y %n' | sort -n | tail -n 1)
newest=${newest#* }
for file in "${sources[@]}"; do
	stamp=$build/lint/$file.clean
	if [ "${file##*.}" != c ] || ! folder=$(commands "$file"); then continue; fi
	[ "$stamp" -nt "$file" ] && [ "$stamp" -nt "$newest" ] || tidy+=("$folder" "$file")
done
say "clang-tidy of $((${#tidy[@]} / 2)) files"
# shellcheck disable=SC2317 # xargs calls it
tidy_one() { # STAMPS COMMANDS FILE: what clang-tidy says, if it found anything
	local said
	if said=$(clang-tidy -p "$2" --quiet --warnings-as-errors='*' "$3" 2>&1); then
		mkdir -p "$1/${3%/*}"
		touch "$1/$3.clean"
	else
		printf '%s\n' "$said" >&2
		return 1
	fi
}
export -f tidy_one
[ ${#tidy[@]} -eq 0 ] || printf '%s\0' "${tidy[@]}" |
	xargs -0 -P "$(nproc)" -n 2 bash -c 'tidy_one "$@"' - "$build/lint" || fail "clang-tidy"

[ "$status" -ne 0 ] || say "clean"
exit "$status"
