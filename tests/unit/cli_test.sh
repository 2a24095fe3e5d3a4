#!/bin/bash
# SPDX-License-Identifier: MIT
#
# usage: cli_test.sh VMM GUEST.bin VMM.1
#
# The command line from outside: options, messages, exit statuses, signals, the terminal, reports.
# Prints KTAP; exits 1 if anything is not as it should be. GUEST.elf must lie beside GUEST.bin.

vmm=$(realpath "$1") guest=$(realpath "$2") man=$(realpath "$3")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 2
cp "$guest" guest.bin
cp "${guest%.bin}.elf" guest.elf
tests=0 failed=0

# ok NAME CONDITION...: one result; the condition is a command.
ok() {
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@"; then
		echo "ok $tests $name"
	else
		failed=$((failed + 1))
		echo "not ok $tests $name"
		echo "#   $*"
		sed 's/^/#   stderr: /' err | head -n 20
	fi
}

# run WORD...: the streams go to files out and err, the status to $status.
run() {
	"$vmm" "$@" >out 2>err </dev/null
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

# --- what needs no guest ---------------------------------------------------------------------------

run --help
ok "help has status 0" equal "$status" 0
ok "help goes to stdout alone" equal "$(wc -c <err)" 0
ok "help tells of the usage" has out '^usage: vmm \[run\] IMAGE'
for option in append initrd engine mmu tlb limit-insns timeout stats json seed help version; do
	ok "help tells of --$option" has out "--$option( |\$)"
	ok "the man page tells of --$option" has "$man" "^\\.It .*\\\\-$option( |\$)"
done
ok "help and man page name the same number of options" equal \
	"$(grep -cE '^  (-., )?--?[a-z]' out)" "$(grep -cE '^\.It Fl' "$man")"
run run --help
ok "run --help is the same" has out '^usage: vmm'
run --version
ok "version has status 0" equal "$status" 0
ok "version and engines" equal "$(sed 's/[0-9]*\.[0-9]*\.[0-9]*/N/' out | tr '\n' ' ')" \
	"vmm N engines: soft "
"$vmm" --help >/dev/full 2>err
ok "output that cannot be written is status 104" equal "$?" 104

if command -v groff >/dev/null; then
	groff -mdoc -ww -Tascii "$man" >/dev/null 2>err
	ok "the man page has no warnings" equal "$(cat err)" ""
else
	echo "# no groff here: the man page is not checked"
fi

# --- refusals --------------------------------------------------------------------------------------

refuse "no words" "usage: vmm [run] IMAGE"
refuse "no image" "usage: vmm [run] IMAGE" run --stats
refuse "unknown option" "did you mean --append?" guest.bin --apend x
refuse "unknown letter" "vmm --help" guest.bin -z
refuse "missing value" "--json needs FILE" guest.bin --json
refuse "value of a flag" "--stats takes no value" guest.bin --stats=1
refuse "second image" "second image" guest.bin other.bin
refuse "no RAM" "from 2M to 3G" guest.bin -m 0
refuse "too little RAM" "from 2M to 3G" guest.bin -m 1
refuse "too much RAM" "from 2M to 3G" guest.bin -m 5G
refuse "odd RAM" "multiple of 4K" guest.bin -m 8193K
refuse "size that is none" "as in 512M" guest.bin -m lots
refuse "count that is none" "not a number" guest.bin --limit-insns many
refuse "time that is none" "not a time" guest.bin --timeout soon
refuse "engine kvm" "engine kvm is not in this build; use --engine" guest.bin --engine kvm
refuse "engine of no build" "engine tcg is not in this build" guest.bin --engine tcg
refuse "mmu shadow" "--mmu direct" guest.bin --mmu shadow
refuse "mmu shadow on engine soft" "--mmu direct" guest.bin --mmu shadow --engine soft
refuse "tlb of no kind" "normal, drop or hoard" guest.bin --tlb big
refuse "missing image" "no-such.bin" no-such.bin
refuse "missing image, report not left" "no-such.bin" no-such.bin --json left.json
refuse "directory as image" "$dir" "$dir"
: >empty.bin
refuse "empty image" "empty.bin" empty.bin
refuse "missing initrd" "no-such.cpio" guest.bin --initrd no-such.cpio
refuse "report in no folder" "--json no/such/report.json" guest.bin --json no/such/report.json
refuse "report over the image" "--json guest.bin would overwrite" guest.bin --json guest.bin
refuse "report on a directory" "--json $dir" guest.bin --json "$dir"
echo keep >kept.json
run no-such.bin --json kept.json
ok "a refusal leaves an old report as it was" equal "$(cat kept.json)" keep

# --- runs ------------------------------------------------------------------------------------------

run guest.bin
ok "the guest's status is ours" equal "$status" 0
ok "auto says in one line what it chose" equal "$(wc -l <err)" 1
ok "and why" has err '^vmm: engine soft: .'
ok "guest console on stdout" has out '^# Totals: pass:[0-9]+ fail:0'
cp out first
run run --engine soft -- guest.bin
ok "a chosen engine says nothing" equal "$(cat err)" ""
ok "two runs give the same bytes" cmp -s out first
run --append "test=panic" guest.bin
ok "a panic is status 100" equal "$status" 100
ok "a panic is told with names" has err 'do_panic\+0x[0-9a-f]+ at panic\.c:[0-9]+'
run guest.bin --append=test=triple --engine=soft
ok "a triple fault is status 100" equal "$status" 100
ok "triple fault: first exception" has err '^    #GP at 0060:[0-9a-f]+ \(action_triple.* at actions\.c:'
ok "triple fault: then a double fault" has err '^    -> #DF at '
ok "triple fault: the end" has err '^    -> triple fault'
ok "triple fault: registers" has err '^    EAX [0-9a-f]{8}  EBX'
ok "triple fault: control registers by name" has err '^    CR0 [0-9a-f]{8} \[PG WP'
ok "triple fault: the instruction" has err '^  => [0-9a-f]{8}  cc +int3$'
ok "triple fault: page walk" has err '^    PDE\[768\] '
ok "triple fault: stack with names" has err '^    [0-9a-f]{8}  [0-9a-f]{8}  run_action\+'
ok "triple fault: backtrace" has err '^    #[1-9].* start_kernel\+'
ok "no colour into a file" equal "$(grep -c "$(printf '\033')" err)" 0
rm guest.elf
run guest.bin --append test=triple
ok "a triple fault without symbols still tells registers" has err '^    EIP [0-9a-f]{8}$'
printf 'garbage' >guest.elf
run guest.bin --append test=triple
ok "symbols that are none do no harm" has err '^    EIP [0-9a-f]{8}$'
cp "${guest%.bin}.elf" guest.elf
run guest.bin --append test=hang --limit-insns 1000000 --stats --engine soft
ok "the instruction limit is status 101" equal "$status" 101
ok "the instruction limit is told" has err '^vmm: .*limit of 1000000 instructions'
ok "stats count exactly" has err '^vmm: +1000000 instructions in '
run guest.bin --append test=hang --timeout 0.2
ok "the time limit is status 101" equal "$status" 101
ok "the time limit is told" has err '^vmm: .*time limit'

# --- JSON ------------------------------------------------------------------------------------------

run guest.bin --append test=hang --limit-insns 1000000 --json report.json --seed 0x10 -m 64M
for line in '"engine": "soft"' '"mmu": "direct"' '"tlb": "normal"' '"end": "instruction-limit"' \
	'"status": 101' '"instructions": 1000000' '"seed": 16' '"ram_bytes": 67108864' \
	'"image": "guest.bin"' '"guest_page_faults": 0' '"exits": \{' '"wall_ns": [1-9]'; do
	ok "JSON has $line" has report.json "^ *$line"
done
for ((i = 0; i < 1000; i++)); do echo padding; done >report.json
run guest.bin --json report.json
ok "an old report is replaced whole" equal "$(tail -n 1 report.json)" "}"
cp guest.bin $'odd\377"\n.bin'
run $'odd\377"\n.bin' --json report.json
ok "an image's odd name stays JSON" has report.json '"image": "odd\?\\"\\n\.bin"'

# --- signals, the jail, the terminal -----------------------------------------------------------------

# Wait until the guest runs: the line of --engine auto comes right before.
started() {
	local i
	for ((i = 0; i < 500; i++)); do
		grep -q '^vmm: engine' err && return
		sleep 0.01
	done
}

# signalled SIGNAL [WORD...]: a guest that hangs gets the signal.
signalled() {
	local sig=$1
	shift
	: >err
	# Without job control, a shell has its background jobs ignore SIGINT and SIGQUIT.
	( trap - INT QUIT; exec env --default-signal=INT,QUIT "$vmm" guest.bin \
		--append test=hang "$@" >out 2>err </dev/null ) &
	local pid=$!
	started
	cat /proc/$pid/status >inside
	kill -"$sig" $pid
	wait $pid 2>/dev/null
	status=$?
}

for pair in TERM:143 INT:130 HUP:129 QUIT:131; do
	signalled "${pair%:*}" --json signal.json
	ok "SIG${pair%:*} is status ${pair#*:}" equal "$status" "${pair#*:}"
	ok "SIG${pair%:*} still gives a report" has signal.json '"end": "signal"'
done
ok "the guest runs in a jail" has inside '^Seccomp:.2$'
ok "without capabilities" has inside '^CapEff:.0*$'
signalled SEGV
ok "a crash is told" has err '^vmm: internal error: signal 11'
ok "and is a death by that signal" equal "$status" 139
{
	sleep 0.1
	exec "$vmm" guest.bin --engine soft </dev/null 2>err
} | true
ok "a reader that goes away is status 141" equal "${PIPESTATUS[0]}" 141
(exec >&-; exec "$vmm" guest.bin --engine soft --json closed.json </dev/null 2>err)
ok "a closed stdout does not end in the report" equal "$(head -n 1 closed.json)" "{"

# A pipe holds 64 KiB: this one is full before the guest says its first word, and stays so.
mkfifo full
exec 3<>full
head -c 65536 /dev/zero >&3
SECONDS=0
"$vmm" guest.bin --timeout 0.2 </dev/null >&3 2>err
status=$?
ok "the time limit is status 101 also when nobody reads" equal "$status" 101
ok "and does not wait for a reader" test $SECONDS -lt 4
exec 3>&-

# terminal KEYS SIGNAL WORD...: vmm at a pseudo-terminal; its status goes to `status`, the modes of
# the terminal before and after to `before` and `after`.
terminal() {
	local keys=$1 sig=$2
	shift 2
	rm -f pid before after during status
	: >err
	cat >inside <<-END
		stty -g >before
		sh -c 'echo \$\$ >pid; exec "\$@"' sh "$vmm" guest.bin $* >out 2>err
		echo \$? >status
		stty -g >after
	END
	{
		started
		stty -g <"/proc/$(cat pid)/fd/0" >during
		printf "$keys"
		[ -n "$sig" ] && kill -"$sig" "$(cat pid)"
		for ((i = 0; i < 500; i++)); do
			[ -s after ] && break
			sleep 0.01
		done
	} | script -qec 'sh inside' /dev/null >/dev/null 2>&1
	status=$(cat status)
}

restored() {
	[ -s before ] && cmp -s before after && ! cmp -s before during
}

if command -v script >/dev/null; then
	terminal '\001x' '' --append test=hang
	ok "Ctrl-A x leaves with status 0" equal "$status" 0
	ok "Ctrl-A x: the terminal was raw, and is restored" restored
	ok "a terminal is tty=1 for the guest" has out 'tty=1'
	terminal '\003' TERM --append test=hang
	ok "SIGTERM at a terminal is status 143" equal "$status" 143
	ok "SIGTERM: the terminal was raw, and is restored" restored
	terminal '' SEGV --append test=hang
	ok "a crash: the terminal was raw, and is restored" restored
	terminal '' '' --append test=hang --timeout 1
	ok "the time limit at a terminal is status 101" equal "$status" 101
	ok "the time limit: the terminal was raw, and is restored" restored
else
	echo "# no script(1) here: the terminal is not checked"
fi

echo "1..$tests"
echo "# Totals: pass:$((tests - failed)) fail:$failed"
[ $failed = 0 ]
