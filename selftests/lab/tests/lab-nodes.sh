#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # functions are called by check
#
# ibm,update-nodes: nodes of the device tree go and come, as the guest sees it.

ID=0x9abc
CPUS=/proc/device-tree/cpus
. "$(dirname "$0")/lib.sh"

hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }
levels() { # the caches in sysfs as LEVEL:SIZE
	for index in /sys/devices/system/cpu/cpu"$1"/cache/index*; do
		test "$(cat "$index/type")" = Instruction || echo "$(cat "$index/level"):$(cat "$index/size")"
	done | sort | tr '\n' ' '
}
nodes() { (cd $CPUS && echo l?-cache@*); }

echo "# $(nodes), cpu1 has $(levels 1)"
check "an L2 to begin with" test "$(levels 1 | tr -d '0-9' | tr -d ' ')" = ":K:K"

check "to a server with four levels" in_place d-cache=0x8000 l2=0x100000 l3=0x800000 l4=0x4000000
echo "# $(nodes), cpu1 has $(levels 1)"
check "  has the nodes" test "$(nodes)" = \
	"l2-cache@2000 l2-cache@2001 l3-cache@3000 l3-cache@3001 l4-cache@4000 l4-cache@4001"
check "  with their properties" test "$(hex $CPUS/l4-cache@4001/d-cache-size)" = 04000000
check "  each with a phandle" test "$(hex $CPUS/l3-cache@3001/l2-cache)" = "$(hex $CPUS/l4-cache@4001/phandle)"
check "  and the caches" test "$(levels 0)" = "1:32K 2:1024K 3:8192K 4:65536K "
check "  of both processors" test "$(levels 1)" = "$(levels 0)"

check "to one with three" in_place d-cache=0x8000 l2=0x200000 l3=0x400000
check "  has other caches" test "$(levels 1)" = "1:32K 2:2048K 3:4096K "
check "  the L4 has gone" test "$(nodes)" = "l2-cache@2000 l2-cache@2001 l3-cache@3000 l3-cache@3001"
check "  and who pointed to it" test ! -e $CPUS/l3-cache@3000/l2-cache

check "to one with none" in_place d-cache=0x8000 l2=gone
check "  has no such nodes" test "$(nodes)" = "l?-cache@*"
check "  nor caches" test "$(levels 1)" = "1:32K "
check "  and no processor says so" test ! -e $CPUS/PowerPC,POWER9@1/l2-cache

ask destination l3=0x1000000
ask stream $ID enabled
ask after 500 stream $ID suspending
check "to a second server" write
check "  gets them back" test "$(nodes)" = "l2-cache@2000 l2-cache@2001 l3-cache@3000 l3-cache@3001"
check "  all of them" test "$(levels 1 | cut -d' ' -f2-)" = "2:512K 3:16384K "

check "with a node of the test's" in_place add=/lab@77:lab-text:68656c6c6f00
check "  that has a property" test "$(tr -d '\0' < /proc/device-tree/lab@77/lab-text)" = hello
check "  and a name" test "$(tr -d '\0' < /proc/device-tree/lab@77/name)" = lab
check "goes again" in_place delete=/lab@77
check "  has gone" test ! -e /proc/device-tree/lab@77

check "no cache without the one before it" refused "without one before" in-place l4=0x1000
check "no node without an address" refused "is wanted" in-place add=/lab
check "no path" refused "no path" destination delete=lab

done_testing
