# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the tests of the command line, which read it with VMM and GUEST.bin as $1 and $2: a folder of
# their own with guest.bin and guest.elf, how to run vmm and to judge it. finish() ends a test.

# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../ktap.sh"
vmm=$(realpath "$1") guest=$(realpath "$2")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 2
cp "$guest" guest.bin
cp "${guest%.bin}.elf" guest.elf

explain() {
	sed 's/^/#   stderr: /' err | head -n 20
}

# run WORD...: the streams go to files out and err, the status to $status. `host` is a command
# before it that makes another host of this one, or empty.
host=()
run() {
	"${host[@]}" "$vmm" "$@" >out 2>err </dev/null
	status=$?
}

# What a refusal is: status 102, one line on stderr, nothing on stdout, no file left.
refused() {
	[ "$status" = 102 ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] && [ ! -e left.json ] &&
		grep -q '^vmm: ' err && grep -qF -- "$1" err
}

# refuse NAME PART WORD...: these words are refused, with a line that holds PART.
refuse() {
	local name=$1 part=$2
	shift 2
	run "$@"
	ok "refused: $name" refused "$part"
}

equal() {
	[ "$1" = "$2" ] || {
		echo "#   got \"$1\", wanted \"$2\""
		false
	}
}

has() {
	grep -qE -- "$2" "$1" || {
		echo "#   no \"$2\" in $1"
		false
	}
}

# appears PATTERN FILE: wait until it is there, for ten seconds.
appears() {
	local i
	for ((i = 0; i < 1000; i++)); do
		grep -qsE -- "$1" "$2" && return
		sleep 0.01
	done
	return 1
}

# Wait until the guest runs: it has said its second line.
started() {
	appears '^Command line:' out
}

# full_pipe: descriptor 3 and the file `full` are a pipe that takes nothing, and that has a reader.
full_pipe() {
	rm -f full
	mkfifo full
	exec 3<>full
	head -c 65536 /dev/zero >&3
}
