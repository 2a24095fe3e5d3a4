# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For tests of guests from outside, which read it with BIN-FOLDER VMM [VMM-OPTION...] as their
# arguments: $bin, $vmm and the options of the VMM, a folder $dir that goes away, and results as
# KTAP. The current folder is BIN-FOLDER.
set -u
# shellcheck source=tests/ktap.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/ktap.sh"
# shellcheck disable=SC2034 # for the test, like the options
bin=$(realpath "$1") vmm=$(realpath "$2")
shift 2
# shellcheck disable=SC2034
options=("$@")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$bin" || exit 2
