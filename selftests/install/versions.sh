#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# versions.sh DIRECTORY : what is built there needs nothing newer than glibc 2.28 and systemd 239
#
# The linker takes the newest version of a symbol that this machine's library has, so a symbol counts when the
# library has none of that name that is old enough. The directory is one of "make userland" for this machine.
#
# TAP on stdout. Exit status: 0 passed, 1 failed.

dir=${1:?which directory?}
# shellcheck source=selftests/install/lib.sh
. "$(dirname "$0")/lib.sh"
tests=0 failures=0

# Headers of glibc before 2.33 have these as inline functions around __xstat() and the like. systemd's have a macro
# that asks for the other one where it is there.
OTHERWISE_THERE='stat lstat fstat fstatat sd_bus_object_vtable_format'

# "NAME VERSION" of what a library has (of all versions) or a program needs. glibc from 2.38 on calls strtoul() and the
# like otherwise, where the headers are its own.
symbols() {
	objdump -T "$2" | awk -v want="$1" -v lib="$3" '
		(/\*UND\*/ ? "needs" : "has") == want && match($0, lib "_[0-9.]+") {
			version = substr($0, RSTART + length(lib) + 1, RLENGTH - length(lib) - 1)
			sub(/^__isoc23_/, "", $NF)
			print $NF, version
		}'
}

library() {
	ldd "$1" | awk -v name="$2" 'index($1, name) == 1 { print $3 }'
}

# nothing_newer PROGRAM LIB SONAME NEWEST : says what is; fails, too, when there is no symbol at all to look at
nothing_newer() {
	local file needs

	file=$(library "$1" "$3")
	needs=$(symbols needs "$1" "$2")
	[ -n "$needs" ] && [ -n "$file" ] || { echo "nothing of $3 in $1"; return 1; }
	{
		tr ' ' '\n' <<< "$OTHERWISE_THERE" | sed "s/\$/ 0/"
		symbols has "$file" "$2"
		echo --
		cat <<< "$needs"
	} | awk -v newest="$4" '
		function old(v) {
			split(v, a, "."); split(newest, b, ".")
			return a[1] < b[1] || a[1] == b[1] && a[2] + 0 <= b[2] + 0
		}
		/^--$/ { needs = 1; next }
		!needs && old($2) { there[$1] = 1 }
		needs && !old($2) && !($1 in there) { print $1 " is of " $2; bad = 1 }
		END { exit bad }'
}

for product in drmgrd drmgr libdr.so.1; do
	it "$product needs glibc 2.28" nothing_newer "$dir/$product" GLIBC libc.so.6 2.28
	it "$product needs systemd 239" nothing_newer "$dir/$product" LIBSYSTEMD libsystemd.so 239
done
echo "1..$tests"
[ $failures = 0 ]
