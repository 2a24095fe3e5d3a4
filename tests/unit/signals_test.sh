#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage: signals_test.sh VMM GUEST.bin
#
# vmm from outside while a guest runs and when it has ended: signals, the jail, streams that take
# nothing, the time limit of the report, the terminal. Prints KTAP; exits 1 if anything is not as it
# should be.

# shellcheck source=tests/unit/cli_lib.sh
. "$(dirname "$(realpath "$0")")/cli_lib.sh"

# --- signals and the jail -------------------------------------------------------------------------

# signalled SIGNAL [WORD...]: a guest that hangs gets the signal.
signalled() {
	local sig=$1
	shift
	: >err
	: >out
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

# All that end a process by default (signal(7)) and can be caught; 39 is a real-time one.
for pair in TERM:143 INT:130 HUP:129 QUIT:131 USR1:138 USR2:140 ALRM:142 VTALRM:154 PROF:155 XCPU:152 \
	IO:157 PWR:158 STKFLT:144 39:167; do
	rm -f signal.json
	signalled "${pair%:*}" --json signal.json
	ok "SIG${pair%:*} is status ${pair#*:}" equal "$status" "${pair#*:}"
	ok "SIG${pair%:*} still gives a report" has signal.json '"end": "signal"'
done
ok "the guest runs in a jail" has inside '^Seccomp:.2$'
ok "without capabilities" has inside '^CapEff:.0*$'
for pair in SEGV:139 TRAP:133 ABRT:134; do
	signalled "${pair%:*}"
	ok "SIG${pair%:*} is told" has err "^vmm: internal error: signal $((${pair#*:} - 128))\$"
	ok "SIG${pair%:*} is a death by it" equal "$status" "${pair#*:}"
done
signalled ALRM --timeout 60
ok "an alarm from outside is not the time limit" equal "$status $(grep -c 'time limit' err)" "142 0"
signalled XFSZ --timeout 2
ok "SIGXFSZ does nothing: a write tells of its limit" equal "$status" 101

# --- streams that take nothing --------------------------------------------------------------------

{
	sleep 0.1
	exec "$vmm" guest.bin --engine soft --append test=lib </dev/null 2>err
} | true
ok "a reader that goes away is status 141" equal "${PIPESTATUS[0]}" 141
(exec >&-; exec "$vmm" guest.bin --engine soft --append test=lib --json closed.json </dev/null 2>err)
ok "a closed stdout does not end in the report" equal "$(head -n 1 closed.json)" "{"

full_pipe
SECONDS=0
"$vmm" guest.bin --timeout 0.2 --append test=quick </dev/null >&3 2>err
status=$?
ok "the time limit is status 101 also when nobody reads" equal "$status" 101
ok "and does not wait for a reader" test $SECONDS -lt 4

printf '\260A\346\351\353\374' >flood.bin # mov al, 'A'; 1: out 0xe9, al; jmp 1b
(ulimit -f 3000; exec "$vmm" flood.bin -m 2M --engine soft >flood.out 2>err </dev/null)
ok "a console that reaches the limit of files is status 104" equal "$?" 104
ok "and says so" has err '^vmm: cannot write the console: File too large$'
rm flood.out

{
	sleep 0.1
	"$vmm" --no-such-option 2>&1
	echo $? >status
} | true
ok "a refusal that nobody reads is status 102" equal "$(cat status)" 102
{
	sleep 0.1
	"$vmm" guest.bin --append test=panic --stats --json deaf.json 2>&1 >/dev/null </dev/null
	echo $? >status
} | true
ok "a post-mortem that nobody reads leaves the status" equal "$(cat status)" 100
ok "and the report" equal "$(tail -n 1 deaf.json)" "}"

# --- the time limit of the report -----------------------------------------------------------------

SECONDS=0
"$vmm" guest.bin --engine soft --append test=triple --json full.json 2>&3 >/dev/null </dev/null
ok "a stderr that is full leaves the status" equal "$?" 100
ok "and the report" equal "$(tail -n 1 full.json)" "}"
ok "and ends" test $SECONDS -lt 10
SECONDS=0
"$vmm" guest.bin --engine soft --append test=triple --json full >/dev/null 2>err </dev/null
ok "a report that nobody takes is status 104" equal "$?" 104
ok "and why the guest ended is told" equal "$(cat err)" \
	"vmm: triple fault; post-mortem cut short: the report took more than 5 s"
ok "and it ends" test $SECONDS -lt 10
exec 3>&-

# --- the terminal ---------------------------------------------------------------------------------

# terminal_modes: those of the terminal that vmm runs at.
terminal_modes() {
	stty -g <"/proc/$(cat pid)/fd/0"
}

# at_terminal ACTION: run the shell commands in `inside` at a pseudo-terminal, and ACTION beside it,
# whose output is typed. vmm is to write its process id to `pid`, its status to `status`, and the
# modes before and after it to `before` and `after`.
at_terminal() {
	rm -f pid before after during stopped resumed status
	: >err
	: >out
	{
		"$1"
		appears . after
	} | script -qec 'bash inside' /dev/null >/dev/null 2>&1
	status=$(cat status)
}

# terminal KEYS ANSWER SIGNAL WORD...: when the guest has answered the keys, vmm gets the signal.
terminal() {
	keys=$1 answer=$2 sig=$3
	shift 3
	cat >inside <<-END
		stty -g >before
		sh -c 'echo \$\$ >pid; exec "\$@"' sh "$vmm" guest.bin $* >out 2>err
		echo \$? >status
		stty -g >after
	END
	at_terminal type_keys
}

# While the terminal is raw: a Ctrl-C that came later would be a signal.
type_keys() {
	started
	terminal_modes >during
	printf '%b' "$keys"
	[ -z "$answer" ] || appears "$answer" out
	[ -z "$sig" ] || kill -"$sig" "$(cat pid)"
}

restored() {
	[ -s before ] && cmp -s before after && ! cmp -s before during
}

# stopped SIGNAL: vmm is stopped by it, in a shell with job control, which makes the terminal its
# own again, and goes on in the foreground.
stopped() {
	sig=$1
	cat >inside <<-END
		set -m
		stty -g >before
		sh -c 'echo \$\$ >pid; exec "\$@"' sh "$vmm" guest.bin --append test=echo >out 2>err
		stty -g >stopped.new
		[ $sig = TSTP ] || stty "\$(cat before)"
		mv stopped.new stopped
		fg >/dev/null
		echo \$? >status
		stty -g >after
	END
	at_terminal stop_and_go
}

# unstoppable: the same without job control, where the kernel does not stop by SIGTSTP.
unstoppable() {
	sig=TSTP
	cat >inside <<-END
		echo no >stopped
		stty -g >before
		sh -c 'echo \$\$ >pid; exec "\$@"' sh "$vmm" guest.bin --append test=echo >out 2>err
		echo \$? >status
		stty -g >after
	END
	at_terminal stop_and_go
}

stop_and_go() {
	local i
	started
	terminal_modes >during
	kill -"$sig" "$(cat pid)"
	appears . stopped
	for ((i = 0; i < 500; i++)); do
		terminal_modes >resumed
		cmp -s resumed during && break
		sleep 0.01
	done
	printf 'more\r'
	appears MORE out
	printf '\001x'
}

# Nobody reads what the guest says, and Ctrl-A x is typed once the terminal is raw.
type_leave() {
	local i
	for ((i = 0; i < 500; i++)); do
		[ -s pid ] && terminal_modes >during && ! cmp -s before during && break
		sleep 0.01
	done
	sleep 0.2
	printf '\001x'
}

if command -v script >/dev/null; then
	terminal '\001x' '' '' --append test=hang
	ok "Ctrl-A x leaves with status 0" equal "$status" 0
	ok "Ctrl-A x: the terminal was raw, and is restored" restored
	ok "a terminal is tty=1 for the guest" has out 'tty=1'
	terminal '\003ack\r' 'ACK' TERM --append test=echo
	ok "SIGTERM at a terminal is status 143" equal "$status" 143
	ok "Ctrl-C is a byte for the guest" has out $'^\003ACK'
	ok "SIGTERM: the terminal was raw, and is restored" restored
	for sig in USR1 XCPU 39 SEGV TRAP; do
		terminal '' '' $sig --append test=hang
		ok "SIG$sig: the terminal was raw, and is restored" restored
	done
	terminal '' '' '' --append test=hang --timeout 1
	ok "the time limit at a terminal is status 101" equal "$status" 101
	ok "the time limit: the terminal was raw, and is restored" restored
	unstoppable
	ok "SIGTSTP where nobody could continue: it goes on" equal "$status $(grep -c MORE out)" "0 1"
	ok "and the terminal is raw" cmp during resumed
	for sig in TSTP STOP; do
		stopped $sig
		ok "SIG$sig: the terminal was raw, and is restored at the end" restored
		[ "$sig" = STOP ] || ok "SIG$sig: it is restored while vmm is stopped" cmp before stopped
		ok "SIG$sig: it is raw again when vmm goes on" cmp during resumed
		ok "SIG$sig: the guest goes on" has out '^MORE'
		ok "SIG$sig: Ctrl-A x leaves then" equal "$status" 0
	done
	full_pipe
	cat >inside <<-END
		stty -g >before
		sh -c 'echo \$\$ >pid; exec "\$@"' sh "$vmm" flood.bin --timeout 10 >full 2>err
		echo \$? >status
		stty -g >after
	END
	at_terminal type_leave
	ok "Ctrl-A x leaves a guest whose output nobody reads" equal "$status" 0
	ok "and restores the terminal" restored
	exec 3>&-
else
	echo "# no script(1) here: the terminal is not checked"
fi

finish
