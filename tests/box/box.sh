#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: box.sh BUILD-FOLDER [--npt=0] [--qemu] [--icount] [--timeout S] [--results FOLDER]
#               [--verbose] CMD [ARG...]
#
# Runs CMD beside a real kvm_amd: in a virtual machine whose CPU, with AMD SVM and nested paging, is
# emulated by QEMU's TCG. Inside are the built tree and tests/ at the same paths as here, the shared
# libraries they need, bash, env, script, and busybox for all other programs; the current folder is
# the root of the source tree. stdin, stdout, stderr and the exit status are CMD's; in a terminal
# CMD has a terminal.
#
#	--npt=0           kvm_amd without nested paging: KVM's own shadow MMU
#	--qemu            put qemu-system-i386 in, too, to compare with -accel kvm
#	--icount          the box's time is a count of its instructions, one a nanosecond: what others
#	                  do on this machine does not show in what is measured there
#	--timeout S       end the box after S seconds (default 600; a terminal: never)
#	--results FOLDER  where files that CMD left in $RESULTS go (default
#	                  BUILD-FOLDER/box/results)
#	--verbose         tell the start time, and show what the kernel says
#
# Exit status: CMD's; 102 if something the box is made of is missing; 104 if it died or hung.
set -euo pipefail
root=$(realpath "$(dirname "$(readlink -f "$0")")/../..")
die() { printf 'box: %s\n' "$*" >&2; exit 102; }
usage() { die "usage: box [--npt=0|1] [--qemu] [--icount] [--timeout S] [--results FOLDER] [--verbose] CMD [ARG...]"; }

[ $# -gt 1 ] || usage
build=$(realpath "$1")
shift
npt=1 image=box icount=() options=() results=$build/box/results
while [ $# -gt 0 ]; do
	case $1 in
	--npt=[01]) npt=${1#*=} ;;
	--qemu) image=box-qemu ;;
	--icount) icount=(-icount "shift=0,sleep=off") ;;
	--timeout | --results)
		[ $# -gt 1 ] || usage
		case $1 in
		--results) results=$2 ;;
		*)
			[[ $2 =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "--timeout wants seconds, not \"$2\""
			options+=(-t "$2")
			;;
		esac
		shift
		;;
	--timeout=* | --results=*) set -- "$@"; one=$1; shift; set -- "${one%%=*}" "${one#*=}" "$@"; continue ;;
	--verbose) options+=(-v) ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || usage

kernel=${BOX_KERNEL:-$build/box/kernel}
for program in qemu-system-x86_64 cpio; do
	command -v $program >/dev/null || die "no $program here: run ./x deps"
done
[ -e "$kernel/package" ] || die "no kernel for the box in $kernel: run ./x deps"
[ -x "$build/tests/box_init" ] || die "no box_init in $build/tests: build first"

# --- what is inside -------------------------------------------------------------------------------
# What busybox has no like of: bash, env --default-signal, script (a terminal for tests).
programs=("$(type -P bash)" "$(type -P env)")
! script=$(type -P script) || programs+=("$script")
firmware=()
if [ $image = box-qemu ]; then
	programs+=("$(type -P qemu-system-i386)") || die "no qemu-system-i386 here: run ./x deps"
	# Debian's is a script around this one.
	[ ! -x /usr/libexec/qemu-system-i386 ] || programs+=(/usr/libexec/qemu-system-i386)
	for name in bios-microvm.bin bios-256k.bin linuxboot_dma.bin multiboot_dma.bin multiboot.bin \
		kvmvapic.bin qboot.rom pvh.bin; do
		for folder in /usr/share/qemu /usr/share/seabios; do
			[ ! -e $folder/$name ] || firmware+=("$folder/$name")
		done
	done
fi

files() { # absolute names, each once
	{
		find "$build/bin" "$build/san" -type f
		find "$build/tests" -maxdepth 1 -type f -perm /100
		find "$root/tests" -type f
		[ ! -d "$root/examples" ] || find "$root/examples" -type f
		printf '%s\n' "$root/vmm/cli/vmm.1" "$root/x" "${programs[@]}" "${firmware[@]}"
	} | sort -u
}

# The image is made anew only when what goes into it has changed.
folder=$build/box
mkdir -p "$folder"
mapfile -t inside < <(files)
key=$(printf '%s\n' "${inside[@]}" "$kernel"/* "$build/tests/box_init" "$0" |
	xargs -d '\n' stat -L -c '%n %s %.Y' | sha256sum)

libraries() { # what the programs inside are linked with
	# ldd says no for scripts, data, and the guest.
	{ printf '%s\n' "${inside[@]}" | xargs -d '\n' ldd 2>/dev/null || true; } |
		sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | sort -u
}

archive() { # names without the leading slash, folders before what is in them
	awk -F/ '{
		path = ""
		for (i = 1; i < NF; i++) {
			path = path (i > 1 ? "/" : "") $i
			if (!seen[path]++)
				print path
		}
		print
	}' | cpio -o -L -H newc --quiet
}

make_image() { # two archives, one after the other: the base, and files at their own places
	local work=$1 applet
	mkdir -p "$work"/base/{bin,sbin,usr/bin,usr/sbin,dev,root,etc,modules}
	cp "$build/tests/box_init" "$work/base/init"
	cp "$kernel"/modules/* "$work/base/modules/"
	for applet in $("$kernel/busybox" --list); do
		ln -sf /bin/busybox "$work/base/bin/$applet"
	done
	cp --remove-destination "$kernel/busybox" "$work/base/bin/busybox"
	if [ "$build" != "$root/build" ]; then # `build/...` works inside whatever the folder's name
		mkdir -p "$work/base$root"
		ln -s "$build" "$work/base$root/build"
	fi
	echo 'root:x:0:0:root:/root:/bin/sh' >"$work/base/etc/passwd"
	(cd "$work/base" && find . -mindepth 1 | sort | cpio -o -H newc --quiet) >"$work/image"
	(cd / && { printf '%s\n' "${inside[@]}"; libraries; } | sed 's|^/||' | archive) >>"$work/image"
}

if [ "$(cat "$folder/$image.key" 2>/dev/null)" != "$key" ]; then
	work=$(mktemp -d "$folder/making.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	make_image "$work"
	# Other boxes may be starting at this moment: the image first, whole; then its key.
	mv "$work/image" "$folder/$image.cpio"
	echo "$key" >"$folder/$image.key"
	rm -rf "$work"
	trap - EXIT
fi

# --- the machine ----------------------------------------------------------------------------------
mkdir -p "$results"
# To boot sooner: no self-tests of ciphers (0.25 s), no patching for one CPU (0.1 s), no
# mitigations.
qemu=(qemu-system-x86_64 -accel tcg "${icount[@]}" -M q35 -cpu "EPYC,+svm,+npt,+umip" -m 1G
	-nodefaults -no-user-config -no-reboot -display none
	-kernel "$kernel/vmlinux" -initrd "$folder/$image.cpio"
	-append "console=ttyS0 quiet panic=-1 mitigations=off cryptomgr.notests noreplace-smp NPT=$npt")
exec "$build/tests/box_host" "${options[@]}" -r "$results" -- "${qemu[@]}" -- "$root" "$@"
