#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where the partition is, by the hypervisor's map: the score, a process's memory and whether it has moved, compared with
# what the lab's hypervisor was told. The guest has two nodes, with a processor and memory in each: three blocks in the
# second, of which the device tree lists one, and two in the first.
# shellcheck source=selftests/daemon/lib.sh
# shellcheck disable=SC2317 # functions are called by check
. "$(dirname "$0")/lib.sh"

ID=0xda0c
BOUND=$(dirname "$0")/bound
CPU1=/sys/devices/system/cpu/cpu1/online
FIRST=0000000100000000 # ibm,associativity: one number, 0

# "memory-near-processors processors-near-memory local-accesses" of "now" or "before"
score() {
	drmgr platform --score --json |
		sed -n "s/^ \"$1\": {\"[a-z-]*\": \([0-9.]*\), \"[a-z-]*\": \([0-9.]*\), \"[a-z-]*\": \([0-9.]*\)}.*/\1 \2 \3/p"
}

counts() { drmgr platform --score --json | sed -n 's/^{"processors": \([0-9]*\), "memory-blocks": \([0-9]*\),.*/\1 \2/p'; }
counts_are() { [ "$(counts)" = "$1" ]; }

pages() { # pages DOMAIN: how many pages of the process are there
	n=$(drmgr platform --pages $process --json | sed -n "s/.*\"$1\": \([0-9]*\)[,}].*/\1/p")
	echo "${n:-0}"
}

in_domain() { # all that the process has bound is there
	echo "$(pages "$1") pages in domain $1, bound: $bound"
	[ "$(pages "$1")" -ge "$bound" ]
}

in_node() { # the kernel says so
	grep " bind:.* N$1=$bound " /proc/$process/numa_maps
}

moved() { # moved STATUS PATTERN
	drmgr platform --moved > $DIR/moved
	[ $? = "$1" ] && grep -qx "$2" $DIR/moved && return
	cat $DIR/moved
	return 1
}

echo "TAP version 13"
fresh_daemon
check "pmig.ko is there" modprobe pmig
$BOUND 1 32 > $DIR/bound &
process=$!
try_until grep -q . $DIR/bound
bound=$(cat $DIR/bound)

same "two processors and all memory count" "2 5" "$(counts)"
same "at boot all is local" "100.0 100.0 100.0" "$(score now)"
same "and there is no before" "" "$(score before)"
check "it has not moved" moved 80 "no: it runs on IBM,.*, and was booted there"
check "a process has its memory in the second domain" in_domain 1
check "  which is the kernel's second node" in_node 1
check "  and none is unknown" sh -c "drmgr platform --pages $process --json | grep '\"unknown\": 0,'"

check "processors are swapped" moves_to $ID home-nodes=swap
same "all is side by side, and the kernel has nothing of it" "100.0 100.0 0.0" "$(score now)"
same "  as it had before" "100.0 100.0 100.0" "$(score before)"
check "  the memory is where it was" in_domain 1
check "it has moved" moved 0 "yes: it was booted on IBM,.*, and runs on IBM,.*"
check "  once" moved 0 "migrations that drmgrd has seen, .*: 1"

check "all memory comes to the first domain" \
	moves_to $ID home-nodes=own lmb-associativity=swap update=/memory@20000000:ibm,associativity:$FIRST
same "half of the processors have none" "100.0 50.0 50.0" "$(score now)"
same "  where the kernel had no access local" "100.0 100.0 0.0" "$(score before)"
check "the process's memory has come, too" in_domain 0
same "  all of it" 0 "$(pages 1)"
check "  which the kernel does not notice" in_node 1
check "to anyone but root pages are not told" \
	sh -c "setpriv --reuid=nobody --clear-groups drmgr platform --pages $process 2>&1 | grep 'only root may'"

echo 0 > $CPU1
check "an offline processor does not count" wait_until counts_are "1 5"
same "  so that what is left is local" "100.0 100.0 100.0" "$(score now)"
echo 1 > $CPU1
check "until it is back" wait_until counts_are "2 5"

kill $process
wait $process 2> /dev/null
drmgr platform --pages $process 2> $DIR/gone
same "of a process that is gone nothing is said" 79 $?
finish
