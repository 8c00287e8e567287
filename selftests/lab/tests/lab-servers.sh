#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # functions are called by check
#
# What a destination can differ in beside the device tree's nodes: home nodes of processors and memory blocks, and the
# processor itself. The guest has two nodes.

ID=0xdef0
. "$(dirname "$0")/lib.sh"
HOME_NODES=/sys/module/lab_hcall/parameters/home
LMBS=/proc/device-tree/ibm,dynamic-reconfiguration-memory/ibm,dynamic-memory
[ -e $LMBS ] || LMBS=$LMBS-v2
PVR=$(dirname "$0")/pvr

NODES=/sys/module/lab_hcall/parameters/nodes
NOTHING="status 0 operation 0x00000000"

update_nodes() { # update_nodes SCOPE
	echo "$1" > $NODES
	cat $NODES
}
homes() { cut -d' ' -f2 $HOME_NODES | tr '\n' ' '; }
cpu_nodes() {
	for node in 0 1; do
		ls -d /sys/devices/system/node/node$node/cpu[0-9] # what the kernel believes
	done | sed 's/.*node\([01]\).cpu/\1:/' | tr '\n' ' '
}
lmb_nodes() { # the node of each memory block, the fifth word of six
	od -An -v -tx1 -w4 $LMBS | tr -d ' ' | awk 'NR > 1 && (NR - 2) % 6 == 4' | tr '\n' ' '
}
cpuinfo() { sed -n 's/^\(cpu\|revision\)[^:]*: //p' /proc/cpuinfo | tr '\n' ' '; }

modprobe lab_hcall
boot_pvr=$($PVR)
boot_info=$(cpuinfo)
boot_lmbs=$(lmb_nodes)
echo "# PVR $boot_pvr, homes $(homes), nodes of CPUs $(cpu_nodes), of memory blocks $boot_lmbs, $boot_info"
check "at home" test "$(homes)" = "0 1 "
check "  as the kernel has it" test "$(cpu_nodes)" = "0:0 1:1 "
check "  and a memory block in the second node" test "$(echo "$boot_lmbs" | grep -c 00000001)" = 1

check "to a server with other nodes" in_place home-nodes=swap lmb-associativity=swap pvr=0x00801234
check "  where the homes are swapped" test "$(homes)" = "1 0 "
check "  which the kernel does not notice" test "$(cpu_nodes)" = "0:0 1:1 "
check "  and so is the memory block" test "$(lmb_nodes)" = "$(echo "$boot_lmbs" | sed 's/00000001/00000000/')"
check "  the processor is of another family" test "$($PVR)" = 00801234
check "  which the mode that the guest runs in hides" test "$(cpuinfo)" = "$boot_info"
check "  updates of nodes have the scope of a migration" test "$(update_nodes 1)" != "$NOTHING"
check "  and no other" test "$(update_nodes 2) $(update_nodes -1)" = "$NOTHING $NOTHING"

ask destination home-nodes=1,1 pvr=0x004e4321
ask stream $ID enabled
ask after 500 stream $ID suspending
check "to a second server" write
check "  where both live in one node" test "$(homes)" = "1 1 "
check "  the memory block is back" test "$(lmb_nodes)" = "$boot_lmbs"
check "  on a third processor" test "$($PVR)" = 004e4321
check "  and back" in_place
check "  it is the first one" test "$($PVR) $(homes)" = "$boot_pvr 0 1 "

check "  processors are placed anew without a move" ask home-nodes swap
check "  as the hypervisor says" test "$(homes)" = "1 0 "
check "  and back" ask home-nodes own

check "a node that is none" refused "is none of" in-place home-nodes=2
check "a PVR that is none" refused "no number" in-place pvr=p10

modprobe -r lab_hcall
done_testing
