#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A move to a server where two processors that were in one domain are in two. What was bound to them is bound to two of
# one domain again, by the hypervisor's word, while the kernel takes the old ones for neighbours still. Processors 0 and
# 1 begin in one node, 2 and 3 in the other; then 0 and 2 are in one, and 1 and 3. Then these change places, and what is
# bound stays where it is, but for its memory.
# shellcheck source=selftests/daemon/lib.sh
# shellcheck disable=SC2317 # functions are called by check
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
heap() { # in which of the kernel's nodes it is
	grep ' heap ' "/proc/$1/numa_maps" | grep -o 'N[0-9]*=' | tr -d = | xargs
}
answered() { [ "$(count "db $1")" -eq "$2" ]; } # answered followed|stayed NUMBER
pages() { # pages DOMAIN: how many of the application's are there
	n=$(drmgr platform --pages "$db" --json | sed -n "s/.*\"$1\": \([0-9]*\)[,}].*/\1/p")
	echo "${n:-0}"
}
unit_is_on() { [ "$(allowed "$unit")" = "$1" ]; }

echo "TAP version 13"
fresh_daemon "Affinity=test-bound.service:recompute"
member db recompute follow
member still keep
still=$(pgrep -x -f "$MEMBER still keep")
db=$(pgrep -x -f "$MEMBER db recompute follow")
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

check "it moves" moves_to $ID home-nodes=0,1,0,1
same "the hypervisor has them elsewhere" "0 1 0 1" "$(homes)"
same "the kernel does not know" "0 0 1 1" "$(nodes)"
same "the application is bound to two that are together" 0,2 "$(allowed "$db")"
check "the unit is" wait_until unit_is_on 0,2
same "who asks for it is left alone" 0-1 "$(allowed "$still")"
check "the log says so" logged "application db is bound to processors 0,2 now; before the move to 0-1"
check "and of the unit" logged "unit test-bound.service is bound to processors 0,2 now; before the move to 0-1"
check "it has its memory moved" wait_until answered followed 1
same "  to where they are" N0 "$(heap "$db")"
kept=$(heap "$still")

there=$(pages 1)
check "the two places change" moves_to $ID home-nodes=1,0,1,0
same "the hypervisor says so" "1 0 1 0" "$(homes)"
same "the application stays on its processors" 0,2 "$(allowed "$db")"
check "its memory is moved" wait_until answered followed 2
same "  as the kernel numbers it" N1 "$(heap "$db")"
check "  and by the true map" [ "$(pages 1)" -gt "$there" ]
same "that of who does not ask for it stays" "${kept:-nowhere}" "$(heap "$still")"

check "some memory of the second node comes to the other domain" moves_to $ID home-nodes=1,0,1,0 lmb-associativity=swap
check "the kernel has no number for either" wait_until answered stayed 1
same "  and nothing is moved" "N1" "$(heap "$db")"

check "all is back where it was" moves_to $ID home-nodes=own lmb-associativity=own
same "  and the hypervisor says so" "0 0 1 1" "$(homes)"
check "the daemon is idle" idle
finish
