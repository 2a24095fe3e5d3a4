#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# usage, in the box: kvm_shadow_suite.sh
#        (from outside: box.sh BUILD-FOLDER [--npt=0] tests/box/kvm_shadow_suite.sh)
#
# What the guest shows on engine kvm under the VMM's own page tables, in one start of the box. The
# current folder is the root of the source tree. Prints KTAP; exits 1 if anything is not as it should
# be.
set -u
bin=build/bin vmm=build/bin/vmm
npt=$(cat /sys/module/kvm_amd/parameters/npt) || exit 2
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
tests=0 failed=0
shadow=(--engine kvm --mmu shadow)

ok() { # NAME COMMAND...: one result; what the command prints stands indented above it
	local name=$1
	shift
	tests=$((tests + 1))
	SECONDS=0
	if "$@" 2>&1 | sed 's/^/    /' && [ "${PIPESTATUS[0]}" = 0 ]; then
		echo "ok $tests $name # $SECONDS s"
	else
		failed=$((failed + 1))
		echo "not ok $tests $name"
	fi
}

lines() { # OUTPUT VMM-ARG...
	local to=$1
	shift
	"$vmm" "$@" -m 32M "$bin/guest.bin" --append test=quick </dev/null >"$to" 2>"$dir/err" ||
		cat "$dir/err"
}

same_lines() {
	lines "$dir/soft" --engine soft --mmu direct
	lines "$dir/shadow" "${shadow[@]}"
	diff "$dir/soft" "$dir/shadow" && grep -qE '^ok [0-9]+ ' "$dir/shadow"
}

matrix() {
	"$vmm" "${shadow[@]}" -m 64M "$bin/matrix.bin" </dev/null >"$dir/matrix" || return 1
	build/tests/matrix_check <"$dir/matrix"
}

bad_images() {
	printf '#!/bin/sh\nexec %s "$@" %s\n' "$PWD/$vmm" "${shadow[*]}" >"$dir/vmm_shadow"
	chmod +x "$dir/vmm_shadow"
	tests/hostile/bad_images_test.sh build/tests/bad_images "$dir/vmm_shadow"
}

echo "# engine kvm, mmu shadow, npt=$npt"
ok "what engine.h promises" build/tests/engine_test kvm shadow
ok "guest.bin prints what it prints on soft" same_lines
ok "the guest from outside" tests/guest/guest_test.sh "$bin" "$vmm" "${shadow[@]}"
ok "the memory manager in the guest" \
	"$vmm" "${shadow[@]}" -m 80M --append "test=mm highmem=16M" "$bin/guest.bin"
# TCG checks no limits of flat segments; whether an access may wrap is up to the CPU (SDM vol. 3, 5.3).
ok "attacks end as on engine soft" env KNOWN_DIFFERENCES='^a (read|write) across 4 GiB' \
	tests/hostile/attack_test.sh "$bin" "$vmm" "${shadow[@]}"
ok "tables out of sync, audited" "$vmm" "${shadow[@]}" --shadow-sync unsync --shadow-audit -m 64M \
	"$bin/guest.bin" --append test=quick
# one of each with either kind of paging below: none takes both paths, and both take long
if [ "$npt" = Y ]; then
	ok "bad images" bad_images
else
	ok "the paging matrix agrees with the oracle" matrix
fi
echo "1..$tests"
echo "# Totals: pass:$((tests - failed)) fail:$failed"
[ "$failed" = 0 ]
