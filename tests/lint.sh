#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# lint.sh BUILD-FOLDER: formatting, includes, form of files, shell scripts, clang-tidy. Run by ./x lint.
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

say "formatting of ${#sources[@]} files"
clang-format --dry-run -Werror "${sources[@]}" ||
	fail "formatting; run clang-format -i on the files above"

# --- who may include whom (design: layout; modules and what each may know) --------------------------
# folder: what of the project it may include, by path. The rest must be a system header.
rules='
vmm/base     vmm/base/
vmm/x86      vmm/base/ vmm/x86/
vmm/mmu      vmm/base/ vmm/x86/ vmm/mmu/
vmm/dev      vmm/base/ vmm/dev/
vmm/engine   vmm/base/ vmm/x86/ vmm/mmu/ vmm/engine/ vmm/machine/ram.h
vmm/machine  vmm/base/ vmm/x86/ vmm/mmu/ vmm/dev/ vmm/engine/ vmm/machine/
vmm/inspect  vmm/base/ vmm/x86/ vmm/mmu/ vmm/engine/ vmm/machine/ vmm/inspect/
vmm/cli      vmm/
guest        guest/ mm/ tests/mm/
mm           mm/
tests/mm     mm/ tests/mm/
'
# What a compiler without a C library has: all that mm/, guest/ and what they share may use of it.
freestanding='<(stdint|stddef|stdbool|stdarg|limits)\.h>'

# The files that a name in #include may mean, by path; nothing if it is none of ours.
include_paths() { # FROM NAME
	local folder
	for folder in "${1%/*}/" vmm/ guest/user/include/ guest/include/ tests/ tests/unit/ ''; do
		[ ! -e "$folder$2" ] || realpath -s --relative-to=. "$folder$2"
	done
}

check_include() { # FILE "NAME" or <NAME>, ALLOWED...
	local file=$1 text=$2 paths path prefix
	shift 2
	[ "$file $text" != 'mm/mman.h <sys/mman.h>' ] || return 0 # the host's own, for the tests
	paths=$(include_paths "$file" "${text:1:-1}")
	for path in $paths; do
		for prefix; do
			case $path in "$prefix"*) return ;; esac
		done
	done
	[ -z "$paths" ] || { fail "$file may not include $text"; return; }
	[ "${text:0:1}" = '<' ] || fail "$file includes $text, which does not exist"
	case $file in
	mm/arch.h) ;; # the interface to the host, too
	guest/* | mm/* | tests/mm/*)
		[[ $text =~ ^$freestanding$ ]] || fail "$file includes $text: there is no C library in the guest"
		;;
	esac
}

say "includes"
while read -r folder allowed; do
	[ -n "$folder" ] || continue
	read -ra allowed <<<"$allowed"
	while IFS=: read -r file text; do
		check_include "$file" "$text" "${allowed[@]}"
	done < <(git ls-files --cached --others --exclude-standard -z "$folder/*.[chS]" |
		xargs -0 -r grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]*[">]' |
		sed 's/:.*include[[:space:]]*/:/')
done <<<"$rules"
for folder in vmm/*/; do
	grep -q "^${folder%/} " <<<"$rules" || fail "$folder has no line in the rules of tests/lint.sh"
done

# --- form ------------------------------------------------------------------------------------------
say "form of files"
for file in "${code[@]}"; do
	head -n 1 "$file" | grep -q 'SPDX-License-Identifier: MIT' || fail "$file: no SPDX line first"
	lines=$(wc -l <"$file")
	[ "$lines" -le 650 ] || fail "$file: $lines lines; is it one concern?"
done
if grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${code[@]}"; then
	fail "leftovers: do them"
fi

# --- shell scripts ---------------------------------------------------------------------------------
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard x '*.sh' .ci/run)
say "shellcheck of ${#scripts[@]} scripts"
shellcheck "${scripts[@]}" || fail "shellcheck"

# --- clang-tidy ------------------------------------------------------------------------------------
# Only what the host's compiler builds: the guest's flags are in no compile_commands.json.
tidy=()
newest=$(git ls-files --cached --others --exclude-standard -z '*.h' .clang-tidy | xargs -0 ls -t | head -n 1)
for file in "${sources[@]}"; do
	stamp=$build/lint/$file.clean
	case $file in vmm/*.c | mm/*.c | tests/*.c) ;; *) continue ;; esac
	grep -qF "\"file\": \"$PWD/$file\"" "$build/compile_commands.json" || continue
	[ "$stamp" -nt "$file" ] && [ "$stamp" -nt "$newest" ] || tidy+=("$file")
done
say "clang-tidy of ${#tidy[@]} files"
# shellcheck disable=SC2317 # xargs calls it
tidy_one() { # BUILD-FOLDER FILE: what clang-tidy says, if it found anything
	local said
	if said=$(clang-tidy -p "$1" --quiet --warnings-as-errors='*' "$2" 2>&1); then
		mkdir -p "$1/lint/${2%/*}"
		touch "$1/lint/$2.clean"
	else
		printf '%s\n' "$said" >&2
		return 1
	fi
}
export -f tidy_one
[ ${#tidy[@]} -eq 0 ] || printf '%s\0' "${tidy[@]}" |
	xargs -0 -P "$(nproc)" -I '{}' bash -c 'tidy_one "$@"' - "$build" '{}' || fail "clang-tidy"

[ "$status" -ne 0 ] || say "clean"
exit "$status"
