#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: guest_test.sh BIN-FOLDER VMM [VMM-OPTION...]
#
# The guest from outside, on one engine: its self-tests, what options do, how it ends, determinism,
# and what the post-mortem of a broken one says. BIN-FOLDER holds guest.bin, guest.elf and the tiny
# images. KNOWN_FAILURES: names of self-tests that this host is known to fail, as a regular
# expression. Prints KTAP; exits 1 if anything is not as it should be.
# shellcheck source=tests/guest_lib.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../guest_lib.sh"

explain() {
	tail -n 5 "$dir/out" | sed 's/^/#   stdout: /'
	head -n 20 "$dir/err" | sed 's/^/#   stderr: /'
}

run() { # VMM-ARG...: streams into files, status into $status
	"$vmm" "${options[@]}" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
}

ends() { # STATUS VMM-ARG...
	local want=$1
	shift
	run "$@"
	[ "$status" = "$want" ] || { echo "#   status $status, not $want"; false; }
}

says() { # FILE REGEX
	grep -qE -- "$2" "$dir/$1" || { echo "#   nothing in $1 matches: $2"; false; }
}

says_once() { # FILE REGEX
	[ "$(grep -cE -- "$2" "$dir/$1")" = 1 ] || { echo "#   not one line of $1 matches: $2"; false; }
}

# Each regular expression matches a line, in this order; other lines may lie between.
says_in_order() { # FILE REGEX...
	local file=$1 line=0 found want
	shift
	for want; do
		found=$(tail -n +$((line + 1)) "$dir/$file" | grep -nE -m 1 -- "$want" | cut -d: -f1)
		[ -n "$found" ] || { echo "#   nothing in $file after line $line matches: $want"; return 1; }
		line=$((line + found))
	done
}

passes() { # VMM-ARG...: self-tests all pass, but for those that are known to fail here
	local failures total
	run "$@" --append test=quick guest.bin
	failures=$(grep -E '^not ok' "$dir/out" | grep -vE "^not ok [0-9]+ (${KNOWN_FAILURES:-none})\$")
	[ -z "$failures" ] || { echo "#   ${failures//$'\n'/, }"; return 1; }
	total=$(grep -cE '^(not )?ok [0-9]+ ' "$dir/out")
	if grep -q '^not ok' "$dir/out"; then
		[ "$status" = 1 ]
	else
		[ "$status" = 0 ] && says out "^# Totals: pass:$total fail:0\$"
	fi && [ "$total" -gt 200 ] && says out "^1\.\.$total\$"
}

# What engine soft alone can do: TLBs to choose, a record of a triple fault, counts.
case " ${options[*]} " in
*" kvm "*" shadow "*) soft='' exact=1 ;;
*" kvm "*) soft='' exact='' ;;
*) soft=1 exact=1 ;;
esac
if [ $soft ]; then
	for tlb in normal drop hoard; do
		ok "self-tests pass with tlb $tlb" passes --tlb $tlb
	done
fi
for ram in 32M 80M 1G 3G; do
	ok "self-tests pass with $ram of RAM" passes -m $ram
done

ok "guest's exit status 7 is vmm's" ends 7 --append "test=none exit=7" guest.bin
ok "guest's exit status 99 is vmm's" ends 99 --append "test=none exit=99" guest.bin
ok "a value above 99 ends with 100" ends 100 --append "test=none exit=300" guest.bin
ok "and is named" says err '300'

# --- what options do to the guest -----------------------------------------------------------------
head -c 5000 guest.bin >"$dir/initrd"
ok "an initrd is handed over" ends 0 --initrd "$dir/initrd" --append test=none guest.bin
ok "as module 0, with its size and name" says_once out "^Module 0: [0-9a-f]{8} - [0-9a-f]{8} 5 KiB $dir/initrd\$"
module_bytes() { # from the line that the guest prints
	local start end
	read -r start end < <(sed -n 's/^Module 0: \([0-9a-f]*\) - \([0-9a-f]*\) .*/\1 \2/p' "$dir/out")
	[ $((0x$end - 0x$start)) = 5000 ]
}
ok "to the byte" module_bytes
ok "without --initrd there is no module" ends 0 --append test=none guest.bin
no_module() { ! grep -q '^Module' "$dir/out"; }
ok "and no line of it" no_module
memory() { # RAM WORDS TOTAL-MIB HIGH-MIB: what the guest makes of it
	local low_end
	low_end=$(printf '%08x' $((0xc0000000 + (($3 - $4) << 20))))
	ends 0 -m "$1" --append "test=none $2" guest.bin &&
		says_once out "^Memory: [0-9]+k/$(($3 << 10))k available \([0-9]+k kernel code, [0-9]+k reserved, [0-9]+k data, 0k init, $(($4 << 10))k highmem\)\$" &&
		says_once out "^  lowmem +c0000000 - $low_end "
}
ok "80M of RAM are all low memory" memory 80M "" 80 0
ok "mem=70M leaves that much" memory 80M mem=70M 70 0
ok "mem= above the RAM changes nothing" memory 80M mem=1G 80 0
ok "highmem=16M makes a HIGHMEM zone of 16M" memory 80M highmem=16M 80 16
ok "mem= and highmem= together" memory 80M "mem=70M highmem=4M" 70 4
ok "highmem= that leaves less than 64M of low memory is refused" memory 80M highmem=17M 80 0
ok "and says so" says_once out '^highmem .*17.*ignor'
ok "of 1G, 896M are low memory" memory 1G "" 1024 128
# SplitMix64: the first words of seeds 1 and 2 are 0x910a2dec and 0x975835de.
ok "--seed 1 gives the first word of that stream" ends $((0x910a2dec & 63)) --seed 1 tiny_random.bin
ok "--seed 2 gives another" ends $((0x975835de & 63)) --seed 2 tiny_random.bin
nvram() { # RAM BASE EXTENDED ABOVE-16M, all in hexadecimal
	ends 0 -m "$1" tiny_nvram.bin && says_once out "^$2 $3 $3 $4 \$"
}
ok "the NVRAM tells the size of memory" nvram 32M 0280 7c00 0100
ok "also where 16 bits of KiB are not enough" nvram 80M 0280 ffff 0400

# --- init -----------------------------------------------------------------------------------------
ok "without test= the guest runs init, and ends by itself" ends 0 guest.bin
ok "init's exit status is vmm's" ends 42 --append 'init=/bin/sh -- -c "exit 42"' guest.bin
ok "init=/bin/false ends with 1" ends 1 --append init=/bin/false guest.bin
ok "an init that is not there is a panic" ends 100 --append init=/no/such guest.bin
ok "that names it, with the error" says_once out '^panic: init=/no/such cannot be run, error 2$'
ok "an init that is no program is a panic" ends 100 --append init=/etc guest.bin
ok "with another error" says_once out '^panic: init=/etc cannot be run, error 13$'
ok "words after -- are init's arguments" \
	ends 0 --append 'ignored=0 init=/bin/echo plain -- one "two  words" test=panic' guest.bin
ok "with what the kernel does not know before them" says_once out '^plain one two  words test=panic$'
# shellcheck disable=SC2016 # the shell in the guest expands it
ok "unknown name=value is in its environment" \
	ends 0 --append 'FRUIT=apple init=/bin/sh HOME=/etc -- -c "echo $FRUIT $HOME $TERM"' guest.bin
ok "beside HOME and TERM" says_once out '^apple /etc linux$'
ok "show=syscalls tells of system calls that there are not" \
	ends 0 --append 'show=syscalls init=/bin/true' guest.bin
ok "at the end" says_once out '^--- syscalls ---$'
no_warning() { ! grep -q 'ignored' "$dir/out"; }
ok "and not before" no_warning

# --- how it ends ----------------------------------------------------------------------------------
ok "a panic ends with 100" ends 100 --append test=panic guest.bin
ok "the guest's own panic text is on stdout, once" says_once out '^panic: requested by test=panic$'
ok "with one dump of registers" says_once out '^EAX [0-9a-f]{8} EBX'
ok "debugcon=1 copies it to the debug console" ends 100 --append "debugcon=1 test=panic" guest.bin
twice() { [ "$(grep -o 'requested by test=panic' "$dir/out" | wc -l)" = 2 ]; }
ok "which is stdout, too" twice
ok "a post-mortem names the guest's panic" says err 'panicked'

ok "a triple fault ends with 100" ends 100 --append test=triple guest.bin
ok "with registers" says_in_order err '^ *registers$' '^ *EAX [0-9a-f]{8}' '^ *EIP [0-9a-f]{8} \([a-z0-9_]+\+0x'
ok "with the control registers" says_once err '^ *CR0 [0-9a-f]{8} \[PG AM WP .*PE\]'
ok "with a disassembly around EIP" says_once err '^ *=> [0-9a-f]{8} '
ok "with the page walk of EIP" says_in_order err 'page walk of EIP' 'PDE\[[0-9]+\]' 'physical 00[0-9a-f]{6}'
ok "with symbols from guest.elf" says_in_order err 'backtrace by EBP' '#0 .*\+0x' '#1 .*\+0x'
if [ $soft ]; then
	# INT3 finds no gate, and a software interrupt is no exception: the chain begins with #GP of
	# gate 3.
	ok "its chain of exceptions is told" says_in_order err \
		'#GP at 0060:[0-9a-f]{8} \(action_triple.*error 1a \(IDT gate 3\)' \
		'-> #DF at .*error 0,' '-> #GP at .*error 43 \(IDT gate 8, external\)' '-> triple fault'
	ok "EIP is the INT3" says_in_order err '^ *EIP [0-9a-f]{8} \(action_triple' '^ *=> [0-9a-f]{8} .*int3'
	ok "the IDT is the empty one" says_once err 'IDT +base 00000000  limit 0000'
	ok "the callers are told" says_in_order err '#0 .*action_triple\+0x' 'run_selftests\+0x'
elif [ $exact ]; then
	ok "with the registers of the shutdown" says_in_order err '^ *EIP [0-9a-f]{8} \(action_triple' '^ *=> [0-9a-f]{8} .*int3'
else
	ok "with the word that these are not the registers of the shutdown" says_once err 'note: KVM does not keep'
fi

ok "HLT with interrupts off ends with 100" ends 100 tiny_halt_off.bin
ok "and says that nothing can wake it" says err 'halted with interrupts off; nothing can wake it'
ok "HLT with nothing armed ends with 100" ends 100 --timeout 20 tiny_halt_on.bin
ok "and says that" says err 'halted; no timer is due within 146 years and no input can come'
ok "an endless loop ends at the time limit with 101" ends 101 --timeout 0.3 --append test=hang guest.bin

same_twice() { # VMM-ARG...: two runs give the same bytes
	run "$@" && cp "$dir/out" "$dir/first" && run "$@" && cmp -s "$dir/out" "$dir/first"
}

if [ $exact ]; then
	ok "--tlb drop sees a changed PTE at once" ends 2 --tlb drop tiny_stale.bin
	ok "--tlb hoard keeps the old translation" ends 1 --tlb hoard tiny_stale.bin
fi
if [ $soft ]; then # virtual time, and a count of instructions
	ok "an endless loop ends at the instruction limit with 101" \
		ends 101 --limit-insns 5000000 --append test=hang guest.bin
	ok "two runs give the same bytes" same_twice --append test=quick guest.bin
	ok "and the same with tlb hoard" same_twice --tlb hoard --append test=quick guest.bin
	count() {
		run --json "$dir/json" "$@" --append test=quick guest.bin
		sed -n 's/.*"\(instructions\|virtual_ns\|guest_page_faults\)": \([0-9]*\).*/\1 \2/p' "$dir/json"
	}
	same_counts() {
		local a b
		a=$(count "$@") b=$(count "$@")
		[ -n "$a" ] && [ "$a" = "$b" ]
	}
	ok "two runs count the same instructions, time and faults" same_counts
	# Of its self-tests, 30 and more are page faults.
	faults() { [ "$(count | sed -n 's/^guest_page_faults //p')" -ge 30 ]; }
	ok "page faults are counted" faults
	pair_costs_at_most() { # NAME INSTRUCTIONS: in what test=count printed
		local n
		n=$(sed -n "s/^$1 \([0-9]*\)\$/\1/p" "$dir/out")
		echo "#   $1: $n"
		[ "${n:-0}" -ge 20 ] && [ "$n" -le "$2" ]
	}
	ok "test=count counts instructions" ends 0 --append test=count guest.bin
	ok "a page's way through the per-CPU list takes 80 at most" pair_costs_at_most page 80
	ok "an object's through kmalloc and kfree 50" pair_costs_at_most kmalloc 50
	ok "and through its cache" pair_costs_at_most kmem_cache 50
	printf 'Hello, World\nquit\n' >"$dir/input"
	echo_from_file() {
		"$vmm" "${options[@]}" --append test=echo guest.bin <"$dir/input" >"$dir/$1" 2>"$dir/err"
	}
	ok "input from a file reaches the guest" echo_from_file out
	ok "and comes back in upper case" says out 'HELLO, WORLD'
	echo_again() { echo_from_file out2 && cmp -s "$dir/out" "$dir/out2"; }
	ok "the same bytes each time" echo_again
fi

echo_from_pipe() {
	{ sleep 0.2; printf 'piped line\nquit\n'; } |
		"$vmm" "${options[@]}" --append test=echo --timeout 20 guest.bin >"$dir/out" 2>"$dir/err" &&
		says out 'PIPED LINE'
}
ok "input from a pipe reaches a waiting guest" echo_from_pipe

finish
