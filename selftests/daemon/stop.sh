#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What stops a migration in PRE and what does not: a script past its deadline, an application past its own, one that
# is required, the platform itself. Those who were told are undone, in reverse order, and only they.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0xda03

migrate() { # migrate [OPTION...]: in the background; $job is its process
	stream $ID
	drmgr -m -c pmig -p pre -s $ID "$@" > $DIR/out 2>&1 &
	job=$!
	wait_until state_is enabled
}

ended() { # ended STATUS TEXT: the migration ends so
	wait $job
	same "$2" "$1" $?
}

echo "TAP version 13"
fresh_daemon ApplicationTimeoutSec=2

# shellcheck disable=SC2016
script 10-one 10
script 20-hangs 2 '[ $1 != premigrate ] || sleep 1000'
script 30-three 10
hook 50-hook
app app-a
migrate
state $ID suspending
ended 2 "a script that misses its deadline in PRE stops it"
same "the stream is cancelled with ETIMEDOUT" 0x0600006e "$(cancel_reason $ID)"
check "the operator sees who it was" grep "20-hangs.*not ready in time" $DIR/out
same "those told are undone in reverse order, and only they" "app-a begin
50-hook pre
10-one premigrate
20-hangs premigrate
app-a post-error
20-hangs undopremigrate
10-one undopremigrate
50-hook post" "$(seen)"
check "nothing of it is left" no_sleeper
check "the daemon is idle" idle

: > $SEEN
migrate -f
state $ID suspending
ended 0 "with force the migration goes on"
check "and everyone is told POST" once "10-one postmigrate" "20-hangs postmigrate" "30-three postmigrate" "app-a post" "50-hook post"
cleanup_members

script 10-one 10
app app-slow --slow pre 100000
migrate
state $ID suspending
ended 0 "an application that misses its deadline does not stop it"
check "it is named in the log" logged "app-slow.*has not answered pre"
check "the others go their way" once "10-one premigrate" "10-one postmigrate"
cleanup_members

script 10-one 10
app app-required --required --slow pre 100000
migrate
state $ID suspending
ended 2 "one that is required, and may, does"
check "the operator sees who it was" grep "app-required" $DIR/out
check "the script is undone" once "10-one premigrate" "10-one undopremigrate"
cleanup_members

script 10-one 10
app app-a
drivers
driver refuse b pre 16 the adapter is not quiet
migrate
state $ID suspending
ended 2 "a driver that refuses in PRE stops it"
same "the stream is cancelled with its errno" 0x06000010 "$(cancel_reason $ID)"
check "the operator sees who it was, and why" grep "test-b.*the adapter is not quiet" $DIR/out
same "applications and scripts are undone" "app-a begin
10-one premigrate
app-a pre
app-a post-error
10-one undopremigrate" "$(seen)"
same "drivers, too, in reverse order, those that were told" "test-a pre
test-b pre
test-b post-error
test-a post-error" "$(drivers_seen)"
rmmod pmig_test
cleanup_members

script 10-one 10
app app-a
migrate
state $ID aborted
ended 3 "the platform aborts while the memory is copied"
same "who was told BEGIN is told, nobody else" "app-a begin
app-a post-error" "$(seen)"
cleanup_members

# shellcheck disable=SC2016
script 10-slow 30 '[ $1 != premigrate ] || sleep 1000'
script 20-two 10
migrate
state $ID suspending
wait_until has_seen "10-slow premigrate"
state $ID aborted
ended 3 "the platform aborts in PRE"
same "PRE is broken off and undone" "10-slow premigrate
10-slow undopremigrate" "$(seen)"
check "nothing of it is left" no_sleeper
cleanup_members

fresh_daemon PreTimeoutSec=10
script 10-one 10
# shellcheck disable=SC2016
hook 50-hangs '[ $PHASE != pre ] || sleep 1000'
hook 60-after
migrate
wait_until has_seen "50-hangs pre"
state $ID suspending
ended 0 "a hook that hangs in BEGIN does not hold PRE"
same "it is ended and told post, and what comes after it hears nothing" "50-hangs pre
10-one premigrate
10-one postmigrate
50-hangs post" "$(seen)"
check "it is named in the log" logged "50-hangs, begin: stopped"
check "nothing of it is left" no_sleeper
cleanup_members

drmgr -m -c pmig -p pre -s 0xdead > $DIR/out 2>&1
same "a stream that the platform does not know" 66 $?
check "is one line" test "$(wc -l < $DIR/out)" -eq 1
check "nobody is told" test ! -s $SEEN
check "the daemon is idle" idle
finish
