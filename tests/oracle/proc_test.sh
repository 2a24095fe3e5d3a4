#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: proc_test.sh BIN-FOLDER VMM [VMM-OPTION...]
#
# The texts of /proc against those of the Linux that this test runs on: each kind of line that the
# guest shows must be one that Linux shows, too. A kind is the line with its numbers made one.
# Differences that are meant stand below, each with its reason. Prints KTAP.
# shellcheck source=tests/guest_lib.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../guest_lib.sh"

explain() {
	sed 's/^/#   /' "$dir/odd"
}

# Numbers, files, rights, zones and caches become one word each, and blanks one blank.
kinds() {
	sed -E -e 's/^[^ ]+( .*: tunables)/CACHE\1/' -e 's/zone +[A-Za-z0-9]+/zone ZONE/' -e 's,(/|\[)[^ ]*$,PATH,' -e 's/[r-][w-][x-][ps]/RIGHTS/' -e 's/\t+$//' -e 's/ +$//' \
		-e 's/([[:space:]])[[:space:]]+/\1/g' -e 's/\b(0x)?[0-9a-f]*[0-9][0-9a-f]*\b/N/g' \
		-e 's/\b[0-9a-f]{8,}\b/N/g' -e 's/RIGHTS N N:N N( PATH)?$/RIGHTS N N:N N/' -e 's/\tN-N$/\tN/' | sort -u
}

guest() { # FILE
	timeout 60 "$vmm" --engine soft "${options[@]}" --append "init=/bin/sh -- -c \"echo ====; cat $1\"" \
		guest.bin </dev/null 2>"$dir/err" | sed '1,/^====$/d'
}

# Lines of the guest alone, and why.
meant() { # FILE
	case $1 in
	/proc/meminfo) echo 'HighTotal|HighFree|LowTotal|LowFree' ;; # of 32-bit kernels
	/proc/self/status) echo '^Groups:' ;;                        # we have none
	/proc/zoneinfo) echo 'nr_bounce|protection:' ;; # of 2.6.32; as many as there are zones
	/proc/filesystems) echo 'rootfs|pipefs' ;;
	/proc/mounts) echo 'rootfs|devtmpfs|proc' ;;
	*) echo 'none' ;;
	esac
}

compare() { # FILE
	local reason
	reason=$(meant "$1")
	guest "$1" >"$dir/guest"
	[ -s "$dir/guest" ] || { echo "the guest shows nothing" >"$dir/odd"; return 1; }
	kinds <"$dir/guest" >"$dir/guest.kinds"
	# As a process like ours: cat.
	cat "$1" >"$dir/host"
	kinds <"$dir/host" >"$dir/host.kinds"
	comm -23 "$dir/guest.kinds" "$dir/host.kinds" | grep -vE "$reason" >"$dir/odd"
	[ ! -s "$dir/odd" ]
}

for file in uptime loadavg stat meminfo buddyinfo filesystems self/stat self/statm self/status \
	self/maps self/smaps slabinfo zoneinfo; do
	if [ -s "/proc/$file" ] || cat "/proc/$file" >/dev/null 2>&1; then
		ok "/proc/$file has lines of Linux's kind" compare "/proc/$file"
	else
		skip "/proc/$file has lines of Linux's kind" "this host does not show it"
	fi
done
finish
