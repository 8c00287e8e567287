#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The machine changes without a migration: who hears of it and how, and that it waits for the end of one. The change is
# the simulator's: its processors and memory get other homes.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0xda18

aix_app() { # aix_app NAME: what it says is in $DIR/NAME
	before=$(drmgr status | sed -n 's/^applications: //p')
	systemd-run --quiet --collect --unit="test-$1" sh -c "exec ${EXAMPLE%fd}aix --name $1 > $DIR/$1"
	UNITS="$UNITS test-$1"
	wait_until applications_are $((before + 1))
}

rehome() { echo $((1 - $(cat $SIM/home_shift))) > $SIM/home_shift; }
changes_are_logged() { [ "$(log_lines | grep -c 'The machine has changed without a move: 16 rows (cpu, memory)\.$')" -eq "$1" ]; }
topology_updates() { [ "$(grep -c 'no migration' $DIR/app-x)" -eq "$1" ]; }

echo "TAP version 13"
modprobe pmig_sim
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
fresh_daemon ApplicationTimeoutMaxSec=300
same "nothing has changed yet" "last-change: none" "$(drmgr status | grep ^last-change)"
app app-a
member app-b
aix_app app-x
rehome
wait_until has_seen "app-a changed"
wait_until topology_updates 1
check "the log has one line about it" changes_are_logged 1
check "and what has changed" logged "memory.*home-node: was"
same "so has the status" "last-change: 16 rows (cpu, memory)" "$(drmgr status | grep ^last-change)"

: > $SEEN
member app-c asks-changed required timeout-ms=300000 hold=pre:$DIR/go
stream $ID
drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
job=$!
wait_until phase_is copying
rehome
wait_until has_seen "app-c changed"
wait_until has_seen "app-a changed"
: > $SEEN
state $ID suspending
wait_until has_seen "app-c pre"
rehome
wait_until changes_are_logged 3
check "while they get ready nobody hears of a change" never "app-a changed" "app-c changed"
touch $DIR/go
wait $job
same "the migration ends with 0" 0 $?
wait_until has_seen "app-c changed"
wait_until has_seen "app-a changed"
same "they hear of it after the end" "app-c pre
app-c post
app-c changed" "$(seen | grep -E '^app-c (pre|post|changed)$')"
check "each hears of it once" once "app-a changed" "app-c changed"
check "who did not ask hears nothing" never "app-b changed"
wait_until topology_updates 3
same "a program for AIX hears of it as a topology update, after the end, too" "app-x: post stream $ID
app-x: post (no migration) stream 0x0" "$(grep post $DIR/app-x | tail -n 2)"

cleanup_members
fresh_daemon Mode=observe
member app-a asks-changed
rehome
wait_until changes_are_logged 1
check "observing, the log says who would have been told" logged "would have told application app-a .* changed"
check "and nobody is told" [ ! -s $SEEN ]
finish
