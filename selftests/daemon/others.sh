#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Others who migrate: a second operator while one is at it, powerpc-utils with the DLPAR lock, and somebody who writes
# to sysfs without asking.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0xda05

SEEN_BY=/sys/devices/virtual/pmig/pmig/others_seen_by

# By a probe a bare write is seen when it begins, else when the partition has stood still; the simulator tells at once.
seen_at_once() { ! is_ppc || grep -qx probe $SEEN_BY; }

others_move() { # of $ID, by somebody who is not drmgrd
	(sleep 1; state $ID suspending) &
	bare_write $ID
}

echo "TAP version 13"
fresh_daemon
script 10-one 10
hook 50-hook
app app-a

stream $ID
drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
job=$!
wait_until state_is enabled
drmgr -m -c pmig -p pre -s 0xda06 > $DIR/second 2>&1
same "a second migration is refused as busy" 75 $?
check "the stream that is in the way is named" grep -q $ID $DIR/second
drmgr -m -c pmig -p check -s 0xda06 > $DIR/second 2>&1
same "so is a check" 75 $?
check "the DLPAR lock is held" sh -c 'grep -q "POSIX.*WRITE.*:$(stat -c %i /var/lock/dr_config_lock) " /proc/locks'
state $ID suspending
wait $job
same "the first goes on undisturbed" 0 $?
check "everyone was told once" once "10-one premigrate" "10-one postmigrate" "app-a pre" "app-a post"
check "the DLPAR lock is free" sh -c '! grep -q "POSIX.*WRITE.*:$(stat -c %i /var/lock/dr_config_lock) " /proc/locks'

: > $SEEN
stream $ID
others_move
wait_until has_seen "10-one postmigrate"
wait_until idle
check "a bare write is noticed: POST for applications and scripts" once "app-a post" "10-one postmigrate"
check "nobody was told PRE" never "app-a pre" "10-one premigrate"
if seen_at_once; then
	check "the log says so" logged "Somebody else migrates stream $ID"
else
	check "the log says so, without the stream" logged "The partition has moved, but drmgrd did not see by which stream"
fi
check "the module is free again" drmgr -m -c pmig -p check -s $ID
check "the status says how it was noticed" sh -c "drmgr status | grep -qx 'others-seen-by: $(cat $SEEN_BY)'"

# The same while drmgr follows the stream and its memory is being copied.
: > $SEEN
ID=0xda07
stream $ID
drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
job=$!
wait_until has_seen "50-hook pre"
others_move
wait $job
same "a bare write in the middle of ours ends well" 0 $?
check "everyone is told POST once" once "app-a begin" "app-a post" "10-one postmigrate" "50-hook post"
! seen_at_once || check "who was not told PRE, too" never "app-a pre" "10-one premigrate"

# The daemon is started when it is over, and knows nothing of before. An application that registers would start it sooner.
cleanup_members
script 10-one 10
systemctl stop drmgrd
rm -f /run/drmgr/machine
ID=0xda09
stream $ID
others_move
systemctl start drmgrd
wait_until has_seen "10-one postmigrate"
wait_until idle
check "a daemon that has not seen what was before says so" logged "What differs in /proc and /sys is not told"

# Mode=observe: it is in the log, and that is all.
fresh_daemon Mode=observe
script 10-one 10
hook 50-hook
app app-a
ID=0xda08
stream $ID
others_move
wait_until logged "would have told application app-a .* post"
wait_until idle
check "observing, the log says who would have been told" logged "would have told script 10-one premigrate"
check "and what changed" logged "identity.system-id: was"
check "nobody is told" [ ! -s $SEEN ]
cleanup_members
systemctl stop drmgrd
is_ppc || rmdir $SIM/streams/* $SIM/destinations/test
rmmod pmig_sim pmig 2> /dev/null
fresh_daemon Mode=observe
drmgr -m -c pmig -p check -s $ID > $DIR/out 2>&1
same "a check passes, without the module, too" 0 $?
check "which is not loaded for it" [ ! -e /sys/module/pmig ]

# Without the module.
if is_ppc; then
	cleanup_members
	systemctl stop drmgrd
	rmmod pmig_sim pmig 2> /dev/null
	echo "install pmig /bin/false" > /etc/modprobe.d/daemon-test.conf
	fresh_daemon
	script 10-one 10
	app app-a
	ID=0xda15
	stream $ID 50 2000
	drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
	job=$!
	wait_until has_seen "app-a pre"
	state $ID suspending
	wait $job
	same "without the module it moves all the same" 0 $?
	check "scripts and applications are told" once "10-one premigrate" "10-one postmigrate" "app-a pre" "app-a post"
	check "the log says that drivers are not, and why" logged "Degraded: pmig.ko can't be loaded: .* Drivers are neither asked nor told"

	: > $SEEN
	ID=0xda16
	stream $ID 50 2000
	drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
	job=$!
	wait_until phase_is kernel
	kill_daemon
	wait $job
	wait_until applications_are 1
	check "the write goes on without the daemon that began it" phase_is kernel
	state $ID suspending
	wait_until idle
	check "and the next one tells how it ended, once" once "10-one premigrate" "10-one postmigrate" "app-a pre" "app-a post"
	check "nobody is undone" never "10-one undopremigrate" "app-a post-error"

	: > $SEEN
	ID=0xda17
	stream $ID
	others_move
	wait_until has_seen "10-one postmigrate"
	wait_until idle
	check "a bare write is noticed without the module, too" once "app-a post" "10-one postmigrate"
	check "nobody was told PRE" never "app-a pre" "10-one premigrate"
	check "the log says what changed" logged "identity.system-id: was"
	rm -f /etc/modprobe.d/daemon-test.conf
	modprobe pmig
fi
finish
