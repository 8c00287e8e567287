#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 the daemon in each state of a session. systemd starts the next one; applications stay registered, and
# whoever had been told to get ready is told how it ended, exactly once.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0xda04
OWNER_DIED=0x06000082 # 6 << 24 | EOWNERDEAD
TOLD_TO_END=0x0600006c # ESHUTDOWN

migrate() { # migrate [BLACKOUT_MS RESUMED_MS]
	: > $SEEN
	ID=$(printf '0x%x' $((ID + 1))) # the platform remembers why it cancelled the last one
	stream $ID "$@"
	drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
	job=$!
	wait_until state_is enabled
	wait_until has_seen "50-hook pre"
}

killed() { # killed [COMMAND...]: the daemon is killed, the next one is there; after COMMAND it has settled everything
	next_daemon
	"$@"
	wait $job
	same "  drmgr says that the daemon was lost" 71 $?
	wait_until idle
	wait_until test ! -e /run/drmgr/session
	check "  the applications are still registered" applications_are 2
}

undone() { # undone LINE...: told to get ready and undone, once each; nobody is told POST
	check "  all are undone exactly once" once "$@"
	check "  nobody is told that it moved" never "app-a post" "app-b post" "10-one postmigrate" "20-two postmigrate"
	same "  the stream was cancelled, because its owner died" $OWNER_DIED "$(cancel_reason $ID)"
}

moved() { # moved LINE...
	check "  all are told POST exactly once" once "50-hook pre" "50-hook post" "10-one premigrate" "10-one postmigrate" \
		"20-two premigrate" "20-two postmigrate" "app-a pre" "app-a post" "app-b pre" "app-b post" "$@"
	check "  nobody is undone" never "app-a post-error" "app-b post-error" "10-one undopremigrate" "20-two undopremigrate"
	same "  nothing was cancelled" 0x00000000 "$(cancel_reason $ID)"
}

# What is told while the daemon is killed is not over before the next daemon is there: go.
# shellcheck disable=SC2016
held_in() { # held_in COMMAND: the script 20-two stays in it until go
	rm -f $DIR/go
	script 20-two 200 "[ \$1 != $1 ] || { while [ ! -e $DIR/go ]; do sleep 0.1; done; echo still here; echo '20-two end' >> $SEEN; }"
}

held_app() { # held_app PHASE: app-c does not answer it before go
	rm -f $DIR/go
	member app-c may-refuse timeout-ms=300000 "hold=$1:$DIR/go"
}

next_daemon() { # next_daemon: kills the daemon, and returns when another one answers
	before=$(systemctl show -P MainPID drmgrd)
	kill_daemon
	wait_until another_than "$before"
}

another_than() { # another_than PID
	now=$(systemctl show -P MainPID drmgrd)
	[ "$now" -gt 0 ] && [ "$now" -ne "$1" ] && drmgr status
}

driver_is_asked() { drivers_seen | grep -qx "test-a check"; }

echo "TAP version 13"
fresh_daemon PreTimeoutSec=600 ApplicationTimeoutMaxSec=300
script 10-one 10
script 20-two 10
hook 50-hook
app app-a
app app-b --slow pre 1

echo "# ENABLED: the memory is being copied"
migrate
killed
undone "app-a begin" "app-a post-error" "app-b begin" "app-b post-error" "50-hook pre" "50-hook post"
check "  scripts have heard nothing" never "10-one premigrate" "10-one undopremigrate"

echo "# PRE: a script is being told"
held_in premigrate
migrate
state $ID suspending
wait_until has_seen "20-two premigrate"
killed touch $DIR/go
undone "10-one premigrate" "10-one undopremigrate" "20-two premigrate" "20-two end" "20-two undopremigrate" "app-a post-error"
same "  in reverse order, after the one that was at work" "20-two end
20-two undopremigrate
10-one undopremigrate" "$(grep -E '(end|undopremigrate)$' $SEEN)"

echo "# PRE: an application is being told"
script 20-two 10
held_app pre
migrate
state $ID suspending
wait_until has_seen "app-c pre"
next_daemon
touch $DIR/go
wait $job
wait_until idle
wait_until has_seen "app-c post-error"
undone "app-a pre" "app-a post-error" "app-c pre" "app-c post-error" "10-one undopremigrate" "20-two undopremigrate"
systemctl stop test-app-c
wait_until applications_are 2

echo "# PRE: an update restarts the daemon"
held_in premigrate
migrate
state $ID suspending
wait_until has_seen "20-two premigrate"
before=$(systemctl show -P MainPID drmgrd)
systemctl restart drmgrd
another_than "$before" > $DIR/status
wait $job
same "  drmgr says that it was stopped" 2 $?
check "  all had heard it before the daemon ended" once "10-one premigrate" "10-one undopremigrate" "20-two premigrate" \
	"20-two undopremigrate" "app-a post-error" "app-b post-error" "50-hook post"
same "  the stream was cancelled, because the daemon was to end" $TOLD_TO_END "$(cancel_reason $ID)"
check "  the applications are still registered" applications_are 2
same "  systemd has no limit to how often it starts one" 0 "$(systemctl show -P StartLimitIntervalUSec drmgrd)"
script 20-two 10

echo "# RESUMED: memory is in transit"
migrate 50 never
state $ID suspending
wait_until state_is resumed
killed state $ID completed
moved

echo "# POST: a script is being told"
held_in postmigrate
migrate
state $ID suspending
wait_until has_seen "20-two postmigrate"
killed touch $DIR/go
moved "20-two end"

echo "# POST: an application is being told"
script 20-two 10
held_app post
migrate
state $ID suspending
wait_until has_seen "app-c post"
next_daemon
touch $DIR/go
wait $job
wait_until idle
moved "app-c post"
systemctl stop test-app-c
wait_until applications_are 2

echo "# CHECK"
# shellcheck disable=SC2016
script 20-two 30 '[ $1 != checkmigrate ] || [ -e /run/daemon-test/asked ] || { touch /run/daemon-test/asked; sleep 1000; }'
: > $SEEN
drmgr -m -c pmig -p check -s $ID > $DIR/out 2>&1 &
job=$!
wait_until has_seen "20-two checkmigrate"
next_daemon
wait $job
same "  the next daemon is asked" "0 $(printf '20-two checkmigrate\n20-two checkmigrate')" "$? $(grep 20-two $SEEN)"
same "  and its answer is the check's" "" "$(cat $DIR/out)"
check "  the applications are still registered" applications_are 2
check "  the script has gone with the daemon" no_sleeper
script 20-two 10
drmgr -m -c pmig -p check -s $ID > $DIR/out 2>&1
same "  the next check is answered" 0 $?

echo "# CHECK: a driver is being asked"
drivers
driver deadline a 300000
driver block a check
: > $SEEN
drmgr -m -c pmig -p check -s $ID > $DIR/out 2>&1 &
job=$!
wait_until driver_is_asked
next_daemon
kill -KILL $job
wait $job 2> /dev/null
ID=$(printf '0x%x' $((ID + 1)))
stream $ID 50
timeout 100 drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
job=$!
check "  whoever asks for a migration is told why it waits" wait_until grep "drivers are still being asked by a check" $DIR/out
check "  nobody is told to get ready meanwhile" never "50-hook pre"
driver release
wait_until has_seen "50-hook pre"
state $ID suspending
wait $job
same "  then the migration is made" 0 $?
moved
wait_until idle
rmmod pmig_test

echo "# idle"
job=
kill_daemon
wait_until applications_are 2
check "  the applications are still registered" applications_are 2

echo "# the bus is restarted, not the daemon: what is under way goes on, and the daemon is on the new bus"
pid=$(systemctl show -P MainPID drmgrd)
migrate
systemctl restart dbus
state $ID suspending
wait $job
same "  drmgr ends with 0" 0 $?
check "  the daemon is on the new bus" wait_until bus_is_connected
wait_until idle
moved
check "  the applications are still registered" applications_are 2
same "  it is the same daemon" "$pid" "$(systemctl show -P MainPID drmgrd)"
check "  anyone reaches it over the new bus" setpriv --reuid=65534 --regid=65534 --clear-groups drmgr status

echo "# the bus is gone, and so is the daemon: systemd starts it for root's own socket"
systemctl stop drmgrd dbus.socket dbus
drmgr -m -c pmig -p check -s $ID > $DIR/out 2>&1
same "  a check is answered" "0 " "$? $(cat $DIR/out)"
systemctl start dbus.socket dbus
check "  the daemon is on the new bus" wait_until bus_is_connected
finish
