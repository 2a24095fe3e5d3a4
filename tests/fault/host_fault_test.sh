#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: host_fault_test.sh VMM GUEST.bin LIBHOST_FAULT.so
#
# A host that fails: whatever call it refuses, vmm ends with status 102 or 104 and one line that
# names the thing, leaves nothing behind, and the terminal as it was. Prints KTAP; exits 1 if
# anything is not as it should be. The part for engine kvm runs where that engine does.
# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../ktap.sh"
vmm=$(realpath "$1") guest=$(realpath "$2") lib=$(realpath "$3")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 2
mkdir work

explain() {
	head -n 20 err | sed 's/^/#   stderr: /'
}

run() { # FAULT VMM-ARG...: streams into files, status into $status
	local fault=$1
	shift
	(cd work && HOST_FAULT=$fault LD_PRELOAD=$lib exec timeout 60 "$vmm" "$@" >../out 2>../err \
		</dev/null)
	status=$?
}

is() { # STATUS PART: it ended so (10[24]: with one of these), and a line says why
	# shellcheck disable=SC2254 # a pattern it is
	case $status in $1) ;; *) echo "#   status $status, not $1"; return 1 ;; esac
	grep -qF -- "$2" err || { echo "#   nothing on stderr holds \"$2\""; return 1; }
	[ -z "$(ls -A work)" ] || { echo "#   left behind: $(ls -A work)"; return 1; }
}

refused() { # STATUS PART: before the guest ran
	is "$1" "$2" || return 1
	[ "$(wc -l <err)" = 1 ] || { echo "#   not one line"; return 1; }
	[ ! -s out ] || { echo "#   the guest ran"; return 1; }
}

stopped() { # STATUS PART: while the guest ran; the line is there once, a post-mortem may follow
	is "$1" "$2" || return 1
	[ "$(grep -cF -- "$2" err)" = 1 ] || { echo "#   said more than once"; return 1; }
	grep -q '^vmm: ' err
}

refuse() { # STATUS PART FAULT VMM-ARG...
	local want=$1 part=$2 fault=$3
	shift 3
	run "$fault" "$@"
	ok "$fault ${*%"$guest"}: $want, names \"$part\"" refused "$want" "$part"
}

stop() { # STATUS PART FAULT VMM-ARG...
	local want=$1 part=$2 fault=$3
	shift 3
	run "$fault" "$@"
	ok "$fault ${*%"$guest"}: $want, names \"$part\"" stopped "$want" "$part"
}

# --- guest RAM, on every host ---------------------------------------------------------------------
soft=(--engine soft --json report.json "$guest")
refuse 104 memfd_create memfd_create:any:EMFILE "${soft[@]}"
refuse "10[24]" memfd_create memfd_create:any:ENOMEM "${soft[@]}"
refuse 102 "smaller -m" ftruncate:any:EINVAL -m 3G "${soft[@]}"
refuse 102 "smaller -m" mmap:shared:ENOMEM -m 3G "${soft[@]}"

limited() { # KILOBYTES VMM-ARG...
	local kilobytes=$1
	shift
	(cd work && ulimit -v "$kilobytes" && exec "$vmm" "$@" >../out 2>../err </dev/null)
	status=$?
}
limited 1500000 -m 3G "${soft[@]}"
ok "-m 3G under ulimit -v: 102, names -m" refused 102 "3072 MiB"
limited 1500000 -m 256M --engine soft --append "test=none exit=7" "$guest"
ok "what fits under the same limit runs" test "$status" = 7

# --- /dev/kvm, on every host ----------------------------------------------------------------------
refuse 102 /dev/kvm open:/dev/kvm:EACCES --engine kvm "$guest"
refuse 102 /dev/kvm open:/dev/kvm:ENODEV --engine kvm "$guest"
if [ -c /dev/kvm ] && [ -r /dev/kvm ]; then
	refuse 102 "API version 11" ioctl:KVM_GET_API_VERSION:=11 --engine kvm "$guest"
	for cap in IMMEDIATE_EXIT USER_MEMORY; do
		refuse 102 KVM_CAP_$cap ioctl:KVM_CHECK_EXTENSION:=0:arg=KVM_CAP_$cap \
			--engine kvm "$guest"
	done
	run ioctl:KVM_GET_API_VERSION:=11 --append "test=none exit=7" "$guest"
	ok "auto takes engine soft then, and says why" is 7 "API version 11"
fi

# --- engine kvm, where it runs --------------------------------------------------------------------
kvm=(--engine kvm --mmu direct --append "test=none exit=7")
run "" "${kvm[@]}" "$guest"
if [ "$status" != 7 ]; then
	skip "faults of KVM" "engine kvm cannot run here: $(head -n 1 err)"
else
	# gone, or no longer ours, between the probe and the use
	for why in ENOENT EACCES ENODEV; do
		refuse 102 /dev/kvm open:/dev/kvm:$why:after=1 "${kvm[@]}" "$guest"
	done
	refuse "10[24]" "virtual machine" ioctl:KVM_CREATE_VM:ENOMEM:after=1 "${kvm[@]}" "$guest"
	refuse "10[24]" "vCPU" ioctl:KVM_CREATE_VCPU:ENOMEM:after=1 "${kvm[@]}" "$guest"
	refuse 102 "vCPU" ioctl:KVM_CREATE_VCPU:EEXIST:after=1 "${kvm[@]}" "$guest"
	refuse "10[24]" "vCPU" mmap:vcpu:ENOMEM:after=1 "${kvm[@]}" "$guest"
	refuse "10[24]" "guest RAM" ioctl:KVM_SET_USER_MEMORY_REGION:ENOMEM:after=1 "${kvm[@]}" "$guest"
	refuse "10[24]" "guest RAM" ioctl:KVM_SET_USER_MEMORY_REGION:ENOMEM:after=2 "${kvm[@]}" "$guest"
	refuse 102 "TSS" ioctl:KVM_SET_IDENTITY_MAP_ADDR:EINVAL "${kvm[@]}" "$guest"
	refuse 102 "CPUID" ioctl:KVM_SET_CPUID2:EINVAL "${kvm[@]}" "$guest"
	refuse 102 "start" ioctl:KVM_SET_SREGS:EINVAL:after=1 "${kvm[@]}" "$guest"
	refuse 104 "cannot" ioctl:KVM_SET_MSRS:=0 "${kvm[@]}" "$guest"
	refuse 104 memfd_create memfd_create:any:EMFILE "${kvm[@]}" "$guest"

	# without what is only used where it is offered, the guest runs the same
	for cap in SYNC_REGS X86_MSR_FILTER X86_USER_SPACE_MSR; do
		run ioctl:KVM_CHECK_EXTENSION:=0:arg=KVM_CAP_$cap "${kvm[@]}" "$guest"
		ok "runs without KVM_CAP_$cap" test "$status" = 7
	done

	# while the guest runs
	for why in EFAULT ENOMEM EIO EINVAL; do
		stop 104 "KVM_RUN" ioctl:KVM_RUN:$why:after=40 --engine kvm --mmu direct "$guest"
	done
	stop 104 "KVM_RUN" ioctl:KVM_RUN:EFAULT:after=40:times=1 --engine kvm --mmu direct "$guest"
	stop 104 "cannot inject an interrupt" ioctl:KVM_INTERRUPT:EFAULT --engine kvm --mmu direct "$guest"

	# calls that are interrupted mean nothing; the guest's own times are no part of the output
	lines() {
		grep '^ok\|^not ok\|^#' out | sed 's/[0-9]* \(ns\|us\|ms\|cycles\)//'
	}
	same() { # FAULT
		local want
		run "" --engine kvm --mmu direct "$guest" --append test=quick
		lines >want
		want=$status
		run "$1" --engine kvm --mmu direct "$guest" --append test=quick
		[ "$status" = "$want" ] || { echo "#   status $status, not $want"; return 1; }
		[ -s want ] && lines | cmp - want
	}
	ok "EINTR at each second KVM_RUN changes nothing" same ioctl:KVM_RUN:EINTR:every=2
	ok "EAGAIN at each third KVM_RUN changes nothing" same ioctl:KVM_RUN:EAGAIN:after=40:every=3
	storm() { # 9 of 10
		same "ioctl:KVM_RUN:EINTR:every=2 ioctl:KVM_RUN:EINTR:every=3 ioctl:KVM_RUN:EINTR:every=5"
	}
	ok "a storm of EINTR changes nothing" storm
fi

# --- /dev/kvm that is none: only where this may be changed (the box) ------------------------------
in_box() {
	[ -e /sys/module/kvm_amd ] && [ "$(id -u)" = 0 ] && [ "${RESULTS:-}" = /results ]
}
if in_box; then
	grep -q nobody /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/sh' >>/etc/passwd
	chmod 600 /dev/kvm
	su -s /bin/sh nobody -c "'$vmm' --engine kvm '$guest'" >out 2>err </dev/null
	status=$?
	ok "no permission on /dev/kvm: 102" refused 102 /dev/kvm
	chmod 660 /dev/kvm
	mv /dev/kvm /dev/kvm.away
	run "" --engine kvm "$guest"
	ok "no /dev/kvm: 102" refused 102 /dev/kvm
	echo plain >/dev/kvm
	run "" --engine kvm "$guest"
	ok "a plain file as /dev/kvm: 102" refused 102 /dev/kvm
	rm /dev/kvm
	mkdir /dev/kvm
	run "" --engine kvm "$guest"
	ok "a folder as /dev/kvm: 102" refused 102 /dev/kvm
	rmdir /dev/kvm
	ln -s /dev/null /dev/kvm
	run "" --engine kvm "$guest"
	ok "another device as /dev/kvm: 102" refused 102 /dev/kvm
	rm /dev/kvm
	mv /dev/kvm.away /dev/kvm
fi

# --- the terminal ---------------------------------------------------------------------------------
if command -v script >/dev/null; then
	cat >inside <<-END
		stty -g >before
		HOST_FAULT=memfd_create:any:EMFILE LD_PRELOAD=$lib "$vmm" --engine soft "$guest"
		HOST_FAULT=ioctl:KVM_RUN:EFAULT:after=40 LD_PRELOAD=$lib "$vmm" "$guest" --append test=quick
		stty -g >after
	END
	script -qec 'sh inside' /dev/null >/dev/null 2>&1 </dev/null
	ok "the terminal is as it was" cmp -s before after
fi

finish
