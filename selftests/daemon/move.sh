#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each phase's main path between two servers, not in place: CHECK, BEGIN and its undoing while memory is copied, a
# suspension that fails after PRE, and then a move in which RESUMED comes while memory is in transit and POST when all of
# it is there.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0xda09

field() { hmc stat $ID | tr ' ' '\n' | sed -n "s/^$1=//p"; }

elsewhere() { # a stream that is Enabled; the line to the second server is so slow that memory is on its way until we say
	hmc destination bandwidth=1M resumed-ms=never > $DIR/destination
	check "a second server is ready" grep -q kind=move $DIR/destination
	hmc stream $ID enabled > /dev/null
}

migrate() { # in the background; $job is its process
	drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
	job=$!
	wait_until has_seen "50-hook pre"
}

is_copied() { [ "$(field state)" = 1 ] && [ "$(field kind)" = move ] && [ "$(field bytes)" -gt 0 ]; }
in_transit() { hmc stat $ID | grep "state=5 .*remaining=[1-9]"; }
no_destination() { hmc validate | grep -q destination=none; }

echo "TAP version 13"
fresh_daemon
script 10-one 10
hook 50-hook
app app-a

elsewhere
drmgr -m -c pmig -p check -s $ID > $DIR/out 2>&1
same "a check ends with 0" 0 $?
check "all are asked" once "10-one checkmigrate" "50-hook check" "app-a check"

: > $SEEN
migrate
check "memory is copied" wait_until is_copied
check "BEGIN is told while memory is copied" once "app-a begin" "50-hook pre"
check "and nobody is told PRE" never "app-a pre" "10-one premigrate"
state $ID aborted
wait $job
same "when the stream is aborted it ends with 3" 3 $?
same "who was told BEGIN is told that it is over" "app-a begin
50-hook pre
app-a post-error
50-hook post" "$(seen)"
check "the copy is given up" wait_until no_destination

: > $SEEN
elsewhere
hmc reject -9000 9 > /dev/null
migrate
state $ID suspending
wait $job
same "when the suspension fails it ends with 4" 4 $?
hmc reject 0 0 > /dev/null
same "who was told PRE is told POST-ERROR, in reverse order" "app-a begin
50-hook pre
10-one premigrate
app-a pre
app-a post-error
10-one undopremigrate
50-hook post" "$(seen)"
same "it is cancelled" 2 "$(field state)"
check "the copy is given up, too" wait_until no_destination

: > $SEEN
elsewhere
migrate
state $ID suspending
wait_until has_seen "app-a resumed"
check "PRE is told before" once "app-a pre" "10-one premigrate"
if grep -q mode=postcopy $DIR/destination; then
	check "RESUMED is told while memory is in transit" in_transit
	check "and nobody is told POST" never "app-a post" "10-one postmigrate" "50-hook post"
	hmc bandwidth 1024M
else
	skip "RESUMED is told while memory is in transit" "$(cat $DIR/destination)"
	skip "and nobody is told POST" "no post-copy"
fi
state $ID completed
wait $job
same "drmgr -p pre ends with 0" 0 $?
same "everyone is told in order" "app-a begin
50-hook pre
10-one premigrate
app-a pre
app-a resumed
app-a post
10-one postmigrate
50-hook post" "$(seen)"
same "it moved" move "$(field kind)"
check "the operator sees what changed" grep identity.system-id $DIR/out
check "the daemon is idle" idle
finish
