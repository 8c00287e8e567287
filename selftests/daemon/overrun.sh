#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon stands still while the module has more to say than the socket holds. What was lost is asked for again:
# everyone is told how it ended, the operator too.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0xda21
HERE=$(dirname "$0")
TRACE=/sys/kernel/tracing

daemon_pid() { systemctl show -P MainPID drmgrd; }

overruns() {
	journalctl --sync
	journalctl -u drmgrd -o cat --no-pager | grep -c "sent more than could be read"
}

module_reaches() { # module_reaches STATE: without a look at the daemon
	wait_until grep -q "stream=$ID .*to=$1 " $TRACE/trace
}

# The daemon follows the stream, and sleeps from now on.
sleeps() {
	: > $SEEN
	echo > $TRACE/trace
	mark_log
	stream $ID
	drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
	job=$!
	wait_until has_seen "50-hook pre"
	before=$(overruns)
	kill -STOP "$(daemon_pid)"
	check "the socket is squeezed" "$HERE/squeeze" "$(daemon_pid)"
}

wakes() { # wakes STATUS TEXT
	kill -CONT "$(daemon_pid)"
	wait $job
	same "$2" "$1" $?
	check "messages were lost" [ "$(overruns)" -gt "$before" ]
}

echo "TAP version 13"
modprobe pmig
mountpoint -q $TRACE || mount -t tracefs none $TRACE
echo 1 > $TRACE/events/pmig/pmig_transition/enable
fresh_daemon
script 10-one 10
hook 50-hook
app app-a

sleeps
(sleep 1; state $ID suspending) &
bare_write $ID
module_reaches completed
wakes 0 "a migration that ended meanwhile has ended well"
check "everyone is told POST" once "10-one postmigrate" "app-a post" "50-hook post"

sleeps
state $ID suspending
module_reaches quiesce
state $ID aborted
module_reaches failed
wakes 3 "one that was aborted meanwhile has failed"
check "those told are undone" once "app-a post-error" "50-hook post"
# The daemon may have read that PRE begins, and lost that it was over: a script that was started is undone, even
# when it was stopped before its first line.
check "a script that was told PRE is undone" [ "$(count "10-one premigrate")" -le "$(count "10-one undopremigrate")" ]
check "nobody is told POST" never "app-a post" "10-one postmigrate"
check "the daemon is idle" idle

echo 0 > $TRACE/events/pmig/pmig_transition/enable
finish
