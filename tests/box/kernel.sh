#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: kernel.sh FOLDER
#
# Downloads what the box is made of into FOLDER and unpacks it there; nothing is installed and no
# root is needed: the Debian cloud kernel that linux-image-cloud-amd64 stands for in this machine's
# package index, and a static busybox. Leaves
#	FOLDER/vmlinux     the kernel, unpacked from its compressed form: starts 0.8 s sooner
#	                   under TCG
#	FOLDER/modules/    NN-name.ko, in the order of loading
#	FOLDER/busybox
#	FOLDER/package     the kernel package's name and version
# Does nothing if they are there. Exit status 102 if they cannot be had.
set -euo pipefail
into=$1
# What the box loads, and the modules it needs are found in the modules themselves.
wanted=(kvm-amd virtio_pci virtio_console)

say() { printf 'box: %s\n' "$*" >&2; }
die() { say "$*"; exit 102; }

[ ! -e "$into/package" ] || exit 0
for program in apt-get apt-cache dpkg-deb; do
	command -v $program >/dev/null ||
		die "no $program here: the box's kernel comes as a Debian package"
done

mkdir -p "$into"
into=$(realpath "$into")
work=$(mktemp -d "$into/unpacking.XXXXXX")
trap 'rm -rf "$work"' EXIT

# As root apt would drop to _apt, which cannot write here, and say so.
apt=(-qq)
[ "$(id -u)" != 0 ] || apt+=(-o APT::Sandbox::User=root)

image() { # the package that the metapackage depends on
	apt-cache "${apt[@]}" depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1
}

fetch() {
	local name
	name=$(image)
	[ -n "$name" ] || { echo "the package index has no linux-image-cloud-amd64" >"$work/log"; return 1; }
	(cd "$work" && apt-get "${apt[@]}" download "$name" busybox-static) >"$work/log" 2>&1
}

update() { # the index of this machine, as root; without root a copy of it under FOLDER
	if [ "$(id -u)" = 0 ]; then
		apt-get -qq update
	elif sudo -n true 2>/dev/null; then
		sudo apt-get -qq update
	else
		mkdir -p "$work/lists/partial"
		apt+=(-o "Dir::State::Lists=$work/lists")
		apt-get "${apt[@]}" update
	fi >"$work/log" 2>&1
}

say "downloading the box's kernel"
# The index may be in motion: try again with a new one.
for try in 1 2 3; do
	fetch && break
	[ "$try" != 3 ] || { sed 's/^/box: | /' "$work/log" >&2; die "cannot download the box's kernel"; }
	sleep $((try * 2))
	update || true
done

for package in "$work"/*.deb; do
	dpkg-deb -x "$package" "$work/root"
done
tree=$work/root

# The ELF image inside a bzImage, whichever way it is compressed; else the bzImage itself.
unpack_kernel() { # BZIMAGE
	local magic tool offset
	while read -r magic tool; do
		command -v "${tool%% *}" >/dev/null || continue
		for offset in $(LC_ALL=C grep -aobP "$magic" "$1" | cut -d: -f1 | head -n 4); do
			tail -c +$((offset + 1)) "$1" | $tool >"$work/vmlinux" 2>/dev/null || true
			[ "$(head -c 4 "$work/vmlinux" | tail -c 3)" = ELF ] && return
		done
	done <<-'END'
		\x02\x21\x4c\x18 lz4 -dc
		\x28\xb5\x2f\xfd zstd -dcq
		\xfd7zXZ\x00 xz -dc
		\x1f\x8b\x08 gzip -dc
	END
	cp "$1" "$work/vmlinux"
}
unpack_kernel "$(echo "$tree"/boot/vmlinuz-*)"

# Modules in the order of their needs ("depends=" in .modinfo); what is built in has no file.
mkdir "$work/modules"
declare -A seen
count=10
add_module() { # NAME
	local name=${1//_/-} file need
	[ -z "${seen[$name]:-}" ] || return 0
	seen[$name]=1
	file=$(find "$tree" -type f -path '*/lib/modules/*' -name "${name//-/[_-]}.ko*" -print -quit)
	[ -n "$file" ] || return 0
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -dcq "$file" ;;
	*) cat "$file" ;;
	esac >"$work/$name.ko"
	while IFS= read -r need; do
		[ -z "$need" ] || add_module "$need"
	done < <(tr '\0' '\n' <"$work/$name.ko" | LC_ALL=C sed -n 's/^depends=//p' | tr ',' '\n')
	mv "$work/$name.ko" "$work/modules/$count-$name.ko"
	count=$((count + 1))
}
for module in "${wanted[@]}"; do
	add_module "$module"
done
[ -n "$(find "$work/modules" -name '*-kvm-amd.ko')" ] || die "no kvm-amd in the kernel package"

rm -rf "$into/modules"
mv "$work/modules" "$work/vmlinux" "$into/"
cp "$(find "$tree" -type f -path "*/bin/busybox" -print -quit)" "$into/busybox"
# shellcheck disable=SC2016 # dpkg-deb's variables
dpkg-deb -W --showformat='${Package} ${Version}\n' "$work"/linux-image-*.deb >"$into/package"
say "kernel ready: $(cat "$into/package")"
