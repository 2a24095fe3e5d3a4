#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: cli_test.sh VMM GUEST.bin VMM.1
#
# The command line from outside: options, messages, exit statuses, reports.
# Prints KTAP; exits 1 if anything is not as it should be. GUEST.elf must lie beside GUEST.bin.

man=$(realpath "$3")
# shellcheck source=tests/unit/cli_lib.sh
. "$(dirname "$(realpath "$0")")/cli_lib.sh"

# --- what needs no guest --------------------------------------------------------------------------

run --help
ok "help has status 0" equal "$status" 0
ok "help goes to stdout alone" equal "$(wc -c <err)" 0
ok "help tells of the usage" has out '^usage: vmm \[run\] IMAGE'
for option in append initrd engine mmu shadow-sync shadow-pages shadow-audit trace dump tlb limit-insns timeout stats json seed help version; do
	ok "help tells of --$option" has out "--$option( |\$)"
	ok "the man page tells of --$option" has "$man" "^\\.It .*\\\\-$option( |\$)"
done
ok "help and man page name the same number of options" equal \
	"$(grep -cE '^  (-., )?--?[a-z]' out)" "$(grep -cE '^\.It Fl' "$man")"
run run --help
ok "run --help is the same" has out '^usage: vmm'
run doctor --help
ok "doctor's help has status 0" equal "$status" 0
ok "doctor's help tells of its own usage" has out '^usage: vmm doctor \[--json FILE\]'
ok "doctor's help tells of its own options alone" equal "$(grep -cE '^  (-., )?--?[a-z]' out)" 3
run --version
ok "version has status 0" equal "$status" 0
ok "version and engines" equal "$(sed 's/[0-9]*\.[0-9]*\.[0-9]*/N/' out | tr '\n' ' ')" \
	"vmm N engines: kvm soft "
"$vmm" --help >/dev/full 2>err
ok "output that cannot be written is status 104" equal "$?" 104

if command -v groff >/dev/null; then
	groff -mdoc -ww -Tascii "$man" >/dev/null 2>err
	ok "the man page has no warnings" equal "$(cat err)" ""
else
	echo "# no groff here: the man page is not checked"
fi

# --- refusals -------------------------------------------------------------------------------------

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
refuse "engine of no build" "engine tcg is not in this build; use --engine auto, kvm or soft" \
	guest.bin --engine tcg
refuse "tlb on engine kvm" "--tlb: engine kvm uses the CPU's own TLB; use --engine soft" \
	guest.bin --engine kvm --tlb normal
refuse "instruction limit on engine kvm" \
	"--limit-insns: engine kvm does not count instructions; use --engine soft" \
	guest.bin --engine kvm --limit-insns 5
refuse "too few shadow pages" "--shadow-pages 11: give a number from 12 to 1048576" \
	guest.bin --shadow-pages 11
refuse "too many shadow pages" "from 12 to 1048576" guest.bin --shadow-pages 1048577
for option in "--shadow-pages 64" "--shadow-sync unsync" --shadow-audit "--trace shadow" "--dump shadow"; do
	# shellcheck disable=SC2086 # two words
	refuse "$option with mmu direct" "${option% *}: has no meaning with --mmu direct" \
		guest.bin $option --mmu direct
done
refuse "sync of no kind" "strict or unsync" guest.bin --shadow-sync lazy
refuse "trace of nothing known" "use shadow[=FILE]" guest.bin --trace walk
refuse "trace to a file of no name" "the file name is empty" guest.bin --trace shadow=
refuse "dump to a file" "use shadow" guest.bin --dump shadow=left.json
refuse "trace in no folder" "--trace no/such/trace" guest.bin --trace shadow=no/such/trace
refuse "trace over the image" "--trace guest.bin would overwrite" guest.bin --trace shadow=guest.bin
refuse "trace and report in one" "both write kept" guest.bin --trace shadow=kept --json kept
rm -f kept
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
cp guest.bin y.bin
cp guest.elf y.elf
refuse "report over the symbols" "--json y.elf would overwrite the symbols of y.bin" \
	y.bin --json y.elf
ok "refused: report over the symbols, which stay" cmp guest.elf y.elf
mkfifo unread
refuse "report to a pipe that nobody reads" "--json unread: nobody reads it" \
	guest.bin --json unread
host=(bash -c 'ulimit -s 256 && exec "$@"' bash)
refuse "small stack" "raise that: ulimit -s 1024" guest.bin
host=(bash -c 'ulimit -f 1 && exec "$@"' bash)
refuse "RAM beyond the limit of files" "raise the limit (ulimit -f), or give a smaller -m" guest.bin
host=()
if host=(sh -c 'ulimit -v 1000000 && exec "$@"' sh) && "${host[@]}" "$vmm" --version >out 2>err; then
	for engine in auto soft; do
		refuse "more RAM than the host gives, engine $engine" "give a smaller -m" \
			guest.bin -m 3G --engine $engine --json left.json
	done
else
	echo "# this vmm cannot start with little memory: a lack of it is not tested"
fi
host=()
echo keep >kept.json
run no-such.bin --json kept.json
ok "a refusal leaves an old report as it was" equal "$(cat kept.json)" keep

# --- the host: doctor, and --engine kvm -----------------------------------------------------------

# What doctor says of this host in KEY of its JSON.
doctor_says() {
	sed -n "s/^ *\"$1\": //p" host.json | head -n 1 | sed 's/,$//; s/^"//; s/"$//'
}

run doctor --json host.json
ok "doctor has status 0" equal "$status" 0
ok "doctor says nothing on stderr" equal "$(cat err)" ""
for label in "processor's extension" /dev/kvm 'KVM module' 'KVM API version' \
	'32-bit guest with paging' 'long mode for guests' UMIP KVM_CAP_IMMEDIATE_EXIT \
	KVM_CAP_USER_MEMORY KVM_CAP_SYNC_REGS KVM_CAP_X86_MSR_FILTER KVM_CAP_X86_USER_SPACE_MSR \
	KVM_CAP_DEBUGREGS 'look at KVM, and probe' 'exit by OUT, and back' 'engine soft, ALU loop' \
	'engine kvm' 'engine soft' '--engine auto takes'; do
	ok "doctor has a row for $label" has out "^  $label  +[^ ]"
done
ok "doctor measures engine soft" has out '^  engine soft, ALU loop +[1-9][0-9]* million'
ok "no colour into a file" equal "$(grep -c "$(printf '\033')" out)" 0
if command -v python3 >/dev/null; then
	ok "doctor's JSON is JSON" python3 -m json.tool host.json json.out
else
	echo "# no python3 here: doctor's JSON is not parsed"
fi
for key in version device openable api_version module processor paging32 long_mode umip extensions \
	probe_ns exit_ns works problem advice instructions_per_second engine why; do
	ok "doctor's JSON has $key" has host.json "^ *\"$key\": "
	ok "the man page tells of doctor's $key" has "$man" "^\\.It Ql (.*[ .])?$key( |\$)"
done
run doctor guest.bin
ok "doctor takes no image" refused "vmm doctor takes no image"
run doctor --json no/such/report.json
ok "doctor refuses a report in no folder" refused "--json no/such/report.json"
"$vmm" doctor >/dev/full 2>err
ok "a table that cannot be written is status 104" equal "$?" 104

kvm_works=$(doctor_says works)
if [ "$kvm_works" = true ]; then
	run guest.bin --engine kvm --stats --json kvm.json --append test=lib
	ok "engine kvm runs the guest" equal "$status" 0
	ok "its instructions are not counted" has err '^vmm:   instructions not counted in [0-9.]+ ms'
	ok "nor its page faults" has err '^vmm:   guest page faults: not counted'
	ok "its TLB is the CPU's" has err '^vmm: engine kvm, mmu direct, tlb of the CPU,'
	for line in '"engine": "kvm"' '"tlb": null' '"instructions": null' '"clock": "real"' \
		'"guest_page_faults": null' '"virtual_ns": null' '"wall_ns": [1-9]'; do
		ok "its JSON has $line" has kvm.json "^ *$line"
	done
	run guest.bin --engine kvm --append test=triple
	ok "engine kvm: a triple fault is status 100" equal "$status" 100
	ok "and says that exceptions are not seen" has err 'exceptions: this engine does not see'
	ok "and that registers may be old" has err '^  note: KVM does not keep the registers'
	# mov eax, 0xf0000000; jmp eax: no RAM is there, and KVM emulates no instruction from
	# nowhere
	printf '\270\0\0\0\360\377\340' >nowhere.bin
	run nowhere.bin --engine kvm
	ok "engine kvm: code where no RAM is is status 100" equal "$status" 100
	ok "and says why" has err '^vmm: not supported: KVM internal error 1 '
	ok "with the registers" has err '^    EIP f0000000'
	run guest.bin --append test=lib
	ok "auto takes engine kvm" has err '^vmm: engine kvm: .'
else
	refuse "engine kvm on this host" "$(doctor_says problem)" guest.bin --engine kvm --mmu direct
	ok "with what to do instead" has err ', or use --engine soft$'
	run guest.bin --append test=lib
	ok "auto tells the same reason" has err "^vmm: engine soft: $(doctor_says problem)$"
fi
if [ "$(doctor_says module)" = kvm_pvm ]; then
	ok "auto on PVM" equal "$(cat err)" "vmm: engine soft: this host's KVM is PVM, which cannot\
 run a 32-bit guest with paging"
fi

# Other hosts, made of this one in a mount namespace. unlike NAME PROBLEM: doctor, --engine kvm and
# auto name the problem there.
unlike() {
	refuse "engine kvm $1" "--engine kvm: $2" guest.bin --engine kvm
	ok "engine kvm $1: with what to do instead" has err '; .*, or use --engine soft$'
	run guest.bin --append "test=none exit=7"
	ok "auto $1: engine soft runs" equal "$status" 7
	ok "auto $1: and says why" equal "$(wc -l <err) $(grep -cF -- "vmm: engine soft: $2" err)" "1 1"
	run doctor
	ok "doctor $1: status 0, as engine soft works" equal "$status" 0
	ok "doctor $1: the problem" has out "^  engine kvm +does not work: $2"
}

# in_namespace COMMANDS: `host` is a namespace in which these shell commands were done.
in_namespace() {
	host=(unshare -m sh -c "$1"$' || exit 125\nexec "$@"' sh)
	"${host[@]}" true 2>err
}

if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
	echo "# not root, or no mount namespaces here: other hosts are not simulated"
else
	mkdir dev && : >dev/null && : >plain
	chmod 755 "$dir"
	if in_namespace "mount --bind /dev/null dev/null && mount --rbind dev /dev"; then
		unlike "without a device" "there is no /dev/kvm; load kvm_intel or kvm_amd"
		run doctor
		ok "doctor without a device: what was not asked" has out '^  KVM API version +not known$'
	fi
	if [ ! -e /dev/kvm ]; then
		echo "# no /dev/kvm here: a wrong one is not simulated"
	else
		in_namespace "mount --bind plain /dev/kvm" &&
			unlike "with a plain file" "/dev/kvm is no device; remove it"
		in_namespace "mount --bind /dev/null /dev/kvm" &&
			unlike "with a device that is not KVM" "/dev/kvm does not answer as KVM does"
		nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
		if $nobody "$vmm" --version >/dev/null 2>&1 && mknod node c 10 232; then
			chmod 660 node && chgrp 1 node
			in_namespace "mount --bind node /dev/kvm && set -- $nobody \"\$@\"" &&
				unlike "without permission" "no permission on /dev/kvm; its group is $(
					getent group 1 | cut -d: -f1)"
			chmod 600 node
			in_namespace "mount --bind node /dev/kvm && set -- $nobody \"\$@\"" &&
				unlike "of the owner alone" "no permission on /dev/kvm, which only"
		else
			echo "# no setpriv or mknod here: a lack of permission is not simulated"
		fi
	fi
	host=()
fi

# --- runs -----------------------------------------------------------------------------------------

run guest.bin --append test=lib
ok "the guest's status is ours" equal "$status" 0
ok "auto says in one line what it chose" equal "$(wc -l <err)" 1
ok "and why" has err '^vmm: engine (kvm|soft): .'
ok "guest console on stdout" has out '^# Totals: pass:[0-9]+ fail:0'
run guest.bin --tlb drop --append test=lib
ok "an option that only engine soft has makes auto take it" equal "$(cat err)" \
	"vmm: engine soft: --tlb: engine kvm uses the CPU's own TLB"
run guest.bin --engine soft --append test=lib
cp out first
run run --engine soft --append test=lib -- guest.bin
ok "a chosen engine says nothing" equal "$(cat err)" ""
ok "two runs give the same bytes" cmp -s out first
run --append "test=panic" guest.bin
ok "a panic is status 100" equal "$status" 100
ok "a panic is told with names" has err 'do_panic\+0x[0-9a-f]+ at panic\.c:[0-9]+'
for line in 'vmm: the guest panicked' '  registers' '  segments' '  control' '  code' \
	'  page walk of EIP ' '  stack' '  backtrace by EBP'; do
	ok "a panic's post-mortem is whole: $line" has err "^$line"
done
run guest.bin --append=test=triple --engine=soft
ok "a triple fault is status 100" equal "$status" 100
ok "triple fault: first exception" has err '^    #GP at 0060:[0-9a-f]+ \(action_triple.* at actions\.c:'
ok "triple fault: then a double fault" has err '^    -> #DF at '
ok "triple fault: the end" has err '^    -> triple fault'
ok "triple fault: registers" has err '^    EAX [0-9a-f]{8}  EBX'
ok "triple fault: control registers by name" has err '^    CR0 [0-9a-f]{8} \[PG AM WP'
ok "triple fault: the instruction" has err '^  => [0-9a-f]{8}  cc +int3$'
ok "triple fault: page walk" has err '^    PDE\[768\] '
ok "triple fault: stack with names" has err '^    [0-9a-f]{8}  [0-9a-f]{8}  run_action\+'
ok "triple fault: backtrace" has err '^    #[1-9].* start_kernel\+'
ok "no colour into a file" equal "$(grep -c "$(printf '\033')" err)" 0
"$vmm" guest.bin --engine soft --append test=lib >/dev/full 2>err </dev/null
ok "a console that cannot be written is status 104" equal "$?" 104
ok "in one line, as the guest has no part in it" equal "$(cat err)" \
	"vmm: cannot write the console: No space left on device"
rm guest.elf
run guest.bin --append test=triple --engine soft
ok "a triple fault without symbols still tells registers" has err '^    EIP [0-9a-f]{8}$'
printf 'garbage' >guest.elf
run guest.bin --append test=triple --engine soft
ok "symbols that are none do no harm" has err '^    EIP [0-9a-f]{8}$'
cp "${guest%.bin}.elf" guest.elf
run guest.bin --append test=hang --limit-insns 1000000 --stats --engine soft
ok "the instruction limit is status 101" equal "$status" 101
ok "the instruction limit is told" has err '^vmm: the limit of 1000000 instructions was reached; '
ok "and where the guest was" has err \
	'; the guest was at [0-9a-f]{4}:[0-9a-f]{8} \(action_hang\+.* at actions\.c:[0-9]+\)$'
printf '\353\376' >loop.bin # jmp to itself
run loop.bin --limit-insns 1000000 --stats
ok "where a guest without symbols was" has err \
	'instructions was reached; the guest was at [0-9a-f]{4}:00100000$'
ok "a flat binary is told to be one" has err '^vmm: loop.bin: no multiboot header and no ELF: run'\
' as a flat binary at 0x100000$'
ok "stats count exactly" has err '^vmm: +1000000 instructions in '
run guest.bin -m 32M --append test=hang --timeout 1
ok "the time limit is status 101" equal "$status" 101
ok "the time limit is told, with the place" has err \
	'^vmm: the time limit was reached; the guest was at [0-9a-f]{4}:[0-9a-f]{8} \(.* at .*\)$'

# --- JSON -----------------------------------------------------------------------------------------

run loop.bin --limit-insns 1000000 --json report.json --seed 0x10 -m 64M
for line in '"engine": "soft"' '"mmu": "direct"' '"tlb": "normal"' '"end": "instruction-limit"' \
	'"status": 101' '"instructions": 1000000' '"seed": 16' '"ram_bytes": 67108864' \
	'"clock": "virtual"' '"image": "loop.bin"' '"guest_page_faults": 0' '"exits": \{' '"wall_ns": [1-9]'; do
	ok "JSON has $line" has report.json "^ *$line"
done
ok "JSON of mmu direct has no counters of a shadow" has report.json '^ *"shadow": null'

# --- mmu shadow -----------------------------------------------------------------------------------

run --engine soft guest.bin --append test=paging --stats --json report.json --trace shadow=trace \
	--dump shadow --shadow-audit
ok "self-tests pass under mmu shadow, audited" equal "$status" 0
ok "stats name it" has err '^vmm: engine soft, mmu shadow, tlb normal'
# The self-tests of paging change tables, invalidate, and load CR3 and CR4.
for counter in faults fills "A/D updates" "guest page faults" "write-protect faults" "emulated writes" \
	"root cache hits" "frames unshadowed" INVLPGs audits; do
	ok "stats count shadow $counter" has err "^vmm:   shadow $counter: [1-9]"
done
ok "stats tell of the pool" has err '^vmm:   shadow pages: [1-9][0-9]* of 4096 in use, [1-9]'
for key in fills accessed_dirty protect_faults emulated_writes root_hits unshadowed pool_used; do
	ok "JSON has its $key" has report.json "^ *\"$key\": [1-9]"
done
for event in fill accessed fault track protect write zap unshadow root invlpg flush; do
	ok "the trace has a $event" has trace \
		"^ *[0-9]+ [0-9a-f]{8} $event +[0-9a-f]{8} [0-9a-f]{10} [0-9a-f]{8} [0-9a-f]{16}\$"
done
ok "each fill is a record" equal "$(grep -c ' fill ' trace)" \
	"$(sed -n 's/^ *"fills": \([0-9]*\).*/\1/p' report.json)"
ok "the dump shows both tables" has err '^c0[0-9a-f]{6}-c0[0-9a-f]{6} +0x00[0-9a-f]{6} W-ADL +0x00[0-9a-f]{6} W-'
ok "and why they differ" has err 'a page table: stores are emulated$'
legal() { ! grep -q 'NOT LEGAL' err; }
ok "which is always legal" legal
run guest.bin --append test=paging --stats --shadow-sync unsync
ok "unsync counts tables that went and came back" has err '^vmm:   shadow tables resynced: [1-9]'
run guest.bin --append test=paging --stats --shadow-pages 12
ok "a small pool is recycled" has err '^vmm:   shadow pages recycled: [1-9]'
ok "and is all in use" has err '^vmm:   shadow pages: [0-9]+ of 12 in use, 12 at most'
run loop.bin --limit-insns 1000 --trace shadow
ok "a trace without a file is on stderr" has err '^ +[0-9]+ 00100000 fill +00100000 '

for ((i = 0; i < 1000; i++)); do echo padding; done >report.json
run guest.bin --json report.json --append test=lib
ok "an old report is replaced whole" equal "$(tail -n 1 report.json)" "}"
"$vmm" guest.bin --append test=lib --json >(cat >piped.json) >/dev/null 2>err </dev/null
ok "a report can go into a pipe" appears '^}' piped.json
cp guest.bin z.bin
run z.bin --json z.elf --append test=lib
ok "a new report where symbols could be is none" equal "$(head -n 1 z.elf)" "{"
cp guest.bin $'odd\377"\n.bin'
run $'odd\377"\n.bin' --json report.json --append test=lib
ok "an image's odd name stays JSON" has report.json '"image": "odd\?\\"\\n\.bin"'

finish
