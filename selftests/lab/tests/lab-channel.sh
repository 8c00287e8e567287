#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # functions are called by check
#
# The line to the lab: answers, errors, and that it says so.
# shellcheck source=selftests/lab/tests/lib.sh
. "$(dirname "$0")/lib.sh"

answers() {
	pattern=$1
	shift
	hmc "$@" > /tmp/reply 2>&1 && grep -q "$pattern" /tmp/reply
}

two_at_once() {
	for i in 1 2 3 4 5 6 7 8; do
		hmc time > /tmp/time.$i &
	done
	wait
	cat /tmp/time.? | grep -c '^[0-9]\{16\}$' | grep -qx 8
}

junk() {
	printf 'no such thing\n' > /dev/lab
	answers . time
}

check "time" answers '^[0-9]*$' time
check "log" hmc log "the channel works"
check "unknown request" refused "unknown request" nonsense
check "eight speakers at once" two_at_once
check "goes on after junk" junk
if grep -q pSeries /proc/cpuinfo; then
	check "stream" hmc stream 0x77 enabled
	check "stat" answers 'state=1 polls=0' stat 0x77
	check "64 bits" hmc stream 0xfedcba9876543210 enabled
	check "65 bits" refused "64 bits" stream 0x1fedcba9876543210 enabled
	check "unknown state" refused "no VASI state" stream 0x77 running
	check "missing argument" refused "number of arguments" stream 0x77
	check "gone" hmc gone 0x77
	check "is gone" refused "no such stream" stat 0x77
	check "gone twice" refused "no such stream" gone 0x77
	hmc gone 0xfedcba9876543210
else
	check "no hypervisor here" refused "no hypervisor calls on this machine" stream 0x77 enabled
fi
done_testing
