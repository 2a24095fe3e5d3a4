#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: kallsyms.sh NM ELF OUTPUT.S
#
# Writes, as assembly, the table of the functions of ELF: one name for an address, the first of the
# alphabet. Its last entry is _etext, the end of the code.
set -eu
export LC_ALL=C
symbols=$("$1" --defined-only "$2")
printf '%s\n' "$symbols" | sort | awk '
	BEGIN { n = 0 }
	$2 !~ /^[tTwW]$/ || $1 == last { next }
	{ last = address[n] = $1; name[n++] = $3 }
	END {
		if (!n || name[n - 1] != "_etext") {
			print "kallsyms.sh: the code does not end in _etext" >"/dev/stderr"
			exit 1
		}
		print "\t.section .rodata.kallsyms, \"a\"\n\t.balign 4"
		print "\t.globl kallsyms_table, kallsyms_count"
		print "kallsyms_count:\n\t.long " n
		print "kallsyms_table:"
		for (i = 0; i < n; i++)
			print "\t.long 0x" address[i] ", .Lname" i
		for (i = 0; i < n; i++)
			print ".Lname" i ":\n\t.asciz \"" name[i] "\""
		print "\t.section .note.GNU-stack, \"\", @progbits"
	}' >"$3"
