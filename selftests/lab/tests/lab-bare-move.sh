#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # functions are called by check
#
# Mainline's own path, without any of our code in the guest: a bare write to sysfs, and the partition moves to a
# second server, and from there to a third.

ID=0x1234
CPU=/proc/device-tree/cpus/PowerPC,POWER9@0
L2=/proc/device-tree/cpus/l2-cache@2000
CACHE=/sys/devices/system/cpu/cpu0/cache
. "$(dirname "$0")/lib.sh"

hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }
text() { tr -d '\0' < "$1"; }
index() { cat $CACHE/index$1/size; }

machine() {
	echo "d-cache $(hex $CPU/d-cache-size) i-cache $(hex $CPU/i-cache-size) l2 $(hex $L2/d-cache-size)" \
		"clock $(hex $CPU/clock-frequency) $(text /proc/device-tree/model)" \
		"$(text /proc/device-tree/system-id) $(text /proc/device-tree/host-serial)" \
		"sysfs $(index 0) $(index 1) $(index 2)"
}

move() { # wherever it goes; the stream turns Suspending after the write has begun
	hmc stream $ID enabled
	hmc after 500 stream $ID suspending
	write
}

in_order() { # the stream's times, each later than the one before
	before=0
	for moment in suspending first_join suspend resume last_back; do
		t=$(field t_${moment}_us)
		test "$before" -lt "$t" || return 1
		before=$t
	done
}

for i in $(seq 0 255); do
	printf "\\$(printf %03o "$i")"
done > /tmp/bytes

FIRST="d-cache 00008000 i-cache 00008000 l2 00080000 clock 3b9aca00 IBM,9009-42A IBM,0210LAB0A LAB0A sysfs 32K 32K 512K"
SECOND="d-cache 00010000 i-cache 00010000 l2 00100000 clock ee6b2800 IBM,9080-HEX IBM,0210LAB0B LAB0B sysfs 64K 64K 1024K"
THIRD="d-cache 00008000 i-cache 00008000 l2 00080000 clock 3b9aca00 IBM,9009-42A IBM,0210LAB0C LAB0C sysfs 32K 32K 512K"

echo "# $(machine)"
check "can migrate" test -e /proc/device-tree/ibm,migratable-partition
check "the first server" test "$(machine)" = "$FIRST"

hmc destination > /dev/null
check "moves to a second server" move
check "  which is another process" is kind move
echo "# $(machine)"
check "the second server" test "$(machine)" = "$SECOND"
check "the stream is Completed" test "$(field state)" = 6
check "the hypervisor took the times" in_order
echo "# joined in $(($(field t_suspend_us) - $(field t_first_join_us))) us," \
	"stood still for $(($(field t_resume_us) - $(field t_suspend_us))) us," \
	"back after $(($(field t_last_back_us) - $(field t_resume_us))) us"

hmc destination > /dev/null
hmc stream $ID enabled
hmc when-converged stream $ID suspending
check "moves on to a third when the copy has converged" write
check "which it had before the processors joined" is converged 1
check "  which is another process" is kind move
echo "# $(machine)"
check "the third server" test "$(machine)" = "$THIRD"

hmc destination d-cache-size=0x4000 system-id=IBM,02MINE resumed-ms=skip > /dev/null
check "moves to one of our choice" move
check "  which is another process" is kind move
check "  without post-copy, for it is Completed at once" is mode precopy
check "  before it runs there" test "$(field t_state_us)" -lt "$(field t_resume_us)"
check "with the d-cache we chose" test "$(index 0)" = 16K
check "and the name" test "$(text /proc/device-tree/system-id)" = IBM,02MINE

check "a move in place is called so" test "$(hmc in-place blackout-ms=20 serial=HERE)" = kind=in-place
check "in place" move
check "  as the stream says" is kind in-place
check "with its times, too" in_order
check "has another serial number" test "$(text /proc/device-tree/host-serial)" = HERE

echo 0 > /sys/devices/system/cpu/cpu1/online
check "with a processor offline" move
check "that is not waited for" in_order
echo 1 > /sys/devices/system/cpu/cpu1/online

# three more answers, each with a part of it
hmc in-place blackout-ms=20 fill=/:lab-long:10000 update=/:host-serial:- > /dev/null
check "in place, with a long property" move
check "that came whole" test "$(md5sum < /proc/device-tree/lab-long)" = \
	"$(for _ in $(seq 40); do cat /tmp/bytes; done | head -c 10000 | md5sum)"
check "and without one that was removed" test ! -e /proc/device-tree/host-serial

check "an unknown stream" fails_with "Invalid argument" 0x99

hmc stream 0x98 suspending
hmc reject -9000 9
check "suspension refused five times" fails_with "Input/output error" 0x98
hmc reject 0 0
check "the stream was tried five times" test "$(hmc stat 0x98 | grep -c suspends=5)" = 1
check "and was cancelled by the partition" test "$(hmc stat 0x98 | grep -c 'state=2 .*cancel-reason=0x6000005')" = 1

done_testing
