#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # functions are called by check
#
# The adapters that a partition has on PowerVM, ibmveth and ibmvscsi: a TCP connection is held, and blocks are written
# and synced, while the partition moves five times. Nothing is lost.

ID=0xace0
DISK=/dev/sda
W=/tmp/adapters
. "$(dirname "$0")/lib.sh"

wire() { # wire NAME: a value of what the lab says of the other end
	hmc wire | tr ' ' '\n' | sed -n "s/^$1=//p"
}

speak() { # a line at a time, until told to stop
	line=0
	while [ ! -e $W/stop ]; do
		line=$((line + 1))
		echo "line $line"
		echo "line $line" >> $W/said
		sleep 0.1
	done
	wait_for heard # what is still on its way
}
heard() { test "$(wc -l < $W/heard)" -eq "$(wc -l < $W/said)"; }

scribble() { # the number of a block into the block, and on to the disk before the next one
	block=0
	while [ ! -e $W/stop ]; do
		printf '%-4096d' $block | dd of=$DISK bs=4096 seek=$block conv=fsync,notrunc 2> /dev/null || return 1
		block=$((block + 1))
		echo $block > $W/blocks.new && mv $W/blocks.new $W/blocks
		sleep 0.1
	done
}
all_blocks() {
	blockdev --flushbufs $DISK
	i=0
	while [ $i -lt "$(cat $W/blocks)" ]; do
		test "$(dd if=$DISK bs=4096 skip=$i count=1 2> /dev/null)" = "$(printf '%-4096d' $i)" || return 1
		i=$((i + 1))
	done
}

went_on() { # went_on LINES BLOCKS: both are further than that
	test "$(wc -l < $W/heard)" -gt "$1" && test "$(cat $W/blocks)" -gt "$2"
}

move() {
	ask destination && ask stream $ID enabled && ask after 500 stream $ID suspending && write
}

mkdir $W
modprobe ibmveth
modprobe ibmvscsi
modprobe sd_mod
check "ibmveth" ip link set eth0 up
check "ibmvscsi" wait_for test -b $DISK
check "an address" ip addr add 10.0.2.15/24 dev eth0

: > $W/heard
echo 0 > $W/blocks
speak | nc "$(wire address)" "$(wire port)" > $W/heard &
speaker=$!
scribble &
scribe=$!
check "they work" wait_for went_on 3 3

for i in 1 2 3 4 5; do
	check "move $i" move
	check "  to another server" is kind move
	lines=$(wc -l < $W/heard)
	blocks=$(cat $W/blocks)
	check "  both go on" wait_for went_on "$lines" "$blocks"
done
touch $W/stop
wait $scribe
check "the disk took all" test $? = 0
wait $speaker
echo "# $(wc -l < $W/said) lines, $(cat $W/blocks) blocks, $(hmc wire)"
check "every line came back" cmp $W/said $W/heard
check "on one connection" test "$(wire connections)" = 1
check "every block is there" all_blocks

done_testing
