#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: initrd.sh FOLDER OUT.cpio
#
# What is in FOLDER as a cpio archive (newc), the same bytes for the same files: in the order of
# their names, with one owner, one time, modes by kind, and counted inodes. FOLDER stays as it is.
set -eu
out=$(realpath "$2")
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R --no-dereference "$1/." "$copy"
cd "$copy"
chmod -R u=rwX,go=rX .
find . -exec touch -h -d @1000000000 {} +
find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort |
	cpio --quiet --create --reproducible --format=newc --owner=+0:+0 >"$out.new"
mv "$out.new" "$out"
