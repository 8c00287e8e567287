#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# old-userland.sh [COMMAND...]
#
# Builds the userland and the host's unit tests with Debian 11's compiler and libraries (glibc 2.31, systemd 247),
# runs the tests and starts the programs there; as TAP. With a COMMAND: runs that there, in this checkout.

# shellcheck source=setup/all.sh
. "$(dirname "$0")/setup/all.sh"

TOP=$(cd "$LAB_DIR/../.." && pwd)
OUT=${O:-$TOP/build}/lab/debian11
NR=0
FAILED=0

result() { # result STATUS TEXT : one line of TAP; after a failure what was said
	NR=$((NR + 1))
	if [ "$1" = 0 ]; then
		echo "ok $NR - $2"
	else
		echo "not ok $NR - $2"
		{ grep -vE '^ *(#  *(RUN|OK) |ok [0-9])' "$OUT/log" || true; } | tail -n 40 | sed 's/^/# /'
		FAILED=1
	fi
}

there() {
	in_chroot "$ROOT" "$TOP $OUT" "$@"
}

# try TEXT COMMAND... : a test
try() {
	local text=$1 status=0
	shift

	there "$@" > "$OUT/log" 2>&1 || status=$?
	result $status "$text"
	return $status
}

# Each case of a unit test that was skipped, as such
skipped_cases() {
	local text

	while read -r text; do
		NR=$((NR + 1))
		echo "ok $NR - $1: $text"
	done < <(sed -nE 's/^ *ok [0-9]+ *(- *)?(.*# SKIP)/\2/p' "$OUT/log")
}

# A unit test has to run at least one case; one that is skipped is none.
try_unit() {
	local name status=0

	name=$(basename "$1")
	there "$1" > "$OUT/log" 2>&1 || status=$?
	grep -E '^ *ok [0-9]+' "$OUT/log" | grep -qv '# SKIP' || status=1
	result $status "Debian 11: unit $name"
	skipped_cases "Debian 11: unit $name"
}

setup_packages "${HOST_PACKAGES[@]}"
job debian11 setup_debian11
job kselftest setup_kselftest
job_wait
ROOT=$(job_output debian11)
KSELFTEST=$(job_output kselftest)
mkdir -p "$OUT"
if [ $# -gt 0 ]; then
	there sh -c 'cd "$0" && exec "$@"' "$TOP" "$@"
	exit
fi
MAKE=(make -s "-j$JOBS" "O=$OUT" "KSELFTEST=$KSELFTEST" WERROR=1)
try "Debian 11: the userland builds" "${MAKE[@]}" -C "$TOP/drmgr" || true
if try "Debian 11: the unit tests build" "${MAKE[@]}" -C "$TOP/selftests" unit; then
	for test in "$OUT"/unit/*_test; do
		try_unit "$test"
	done
fi
for program in drmgrd drmgr; do
	try "Debian 11: $program --version" "$OUT/$program" --version || true
done
echo "1..$NR"
exit $FAILED
