#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A move to a server where two processors that were in one domain are in two. What was bound to them is bound to two of
# one domain again, by the hypervisor's word, while the kernel takes the old ones for neighbours still. Processors 0 and
# 1 begin in one node, 2 and 3 in the other; then 0 and 2 are in one, and 1 and 3.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0xaff1

allowed() { sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$1/status"; }
home() { drmgr platform --get "cpu.$1.home-node"; }
homes() { echo "$(home 0) $(home 1) $(home 2) $(home 3)"; }
nodes() { # as the kernel has them
	for cpu in 0 1 2 3; do
		for node in 0 1; do
			[ ! -e /sys/devices/system/cpu/cpu$cpu/node$node ] || echo $node
		done
	done | xargs
}
unit_is_on() { [ "$(allowed "$unit")" = "$1" ]; }

echo "TAP version 13"
fresh_daemon "Affinity=test-bound.service:recompute"
member db recompute
member still keep
still=$(pgrep -x -f "$MEMBER still keep")
db=$(pgrep -x -f "$MEMBER db recompute")
systemd-run --quiet --collect --unit=test-bound -p AllowedCPUs=0-1 sleep 100000
UNITS="$UNITS test-bound"
unit=$(systemctl show -P MainPID test-bound)
check "the unit is bound to the processors of one node" wait_until unit_is_on 0-1
# Only now: with the first unit that has processors systemd makes such cgroups for all, and kernels before 6.2 let go of all
# threads then.
taskset -cp 0-1 "$db" > /dev/null
taskset -cp 0-1 "$still" > /dev/null
same "the application is" 0-1 "$(allowed "$db")"
same "the hypervisor says so" "0 0 1 1" "$(homes)"

hmc in-place blackout-ms=50 resumed-ms=100 home-nodes=0,1,0,1 > /dev/null
hmc stream $ID enabled > /dev/null
drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
job=$!
wait_until phase_is copying
state $ID suspending
wait $job
same "it moves" 0 $?
same "the hypervisor has them elsewhere" "0 1 0 1" "$(homes)"
same "the kernel does not know" "0 0 1 1" "$(nodes)"
same "the application is bound to two that are together" 0,2 "$(allowed "$db")"
check "the unit is" wait_until unit_is_on 0,2
same "who asks for it is left alone" 0-1 "$(allowed "$still")"
check "the log says so" logged "application db is bound to processors 0,2 now; before the move to 0-1"
check "and of the unit" logged "unit test-bound.service is bound to processors 0,2 now; before the move to 0-1"
check "the daemon is idle" idle
finish
