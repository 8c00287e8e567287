#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# CHECK: one refusal stops the migration, and the operator sees its reason; several are collected; a refusal of somebody who
# may not refuse is advice; a file that root does not own alone is not run.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0xda02

ask() { # ask [OPTION...]: prints status and what the operator sees
	: > $SEEN
	drmgr -m -c pmig -p check -s $ID "$@" > $DIR/out 2>&1
	echo $?
}

# shellcheck disable=SC2016
NO_SCRIPT='[ $1 != checkmigrate ] || { echo "DR_ERROR=the backup is running"; exit 1; }'
# shellcheck disable=SC2016
NO_HOOK='[ $PHASE != check ] || { echo "the hook is busy"; exit 1; }'

echo "TAP version 13"
hypervisor
fresh_daemon

script 10-no 10 "$NO_SCRIPT"
script 20-yes 10
same "a script refuses" 1 "$(ask)"
check "its reason is in front of the operator" grep "10-no.*the backup is running" $DIR/out
check "the others are asked all the same" once "20-yes checkmigrate"
same "force overrides it" 0 "$(ask -f)"
cleanup_members

# shellcheck disable=SC2016
script 10-unsupported 10 'exit 10'
same "exit status 10 is as good as success" 0 "$(ask)"
cleanup_members

script 10-hangs 2 'sleep 1000'
same "a script that misses its deadline refuses" 1 "$(ask)"
check "and is named" grep "10-hangs.*not ready in time" $DIR/out
check "nothing of it is left" no_sleeper
cleanup_members

hook 30-no "$NO_HOOK"
hook 40-yes
same "a hook refuses" 1 "$(ask)"
check "its reason is in front of the operator" grep "30-no.*the hook is busy" $DIR/out
check "all hooks are told undocheck" once "30-no check" "40-yes check" "30-no undocheck" "40-yes undocheck"
cleanup_members

drivers
driver refuse b check 16 a firmware update is running
same "a driver refuses" 1 "$(ask)"
check "its reason is in front of the operator" grep "test-b.*a firmware update is running" $DIR/out
same "force does not override a driver" 1 "$(ask -f)"
rmmod pmig_test

app app-no --refuse-check "a checkpoint is being written"
app app-yes
same "an application refuses" 1 "$(ask)"
check "its reason is in front of the operator" grep "app-no.*a checkpoint is being written" $DIR/out
check "the others are asked all the same" once "app-yes check"

script 10-no 10 "$NO_SCRIPT"
hook 30-no "$NO_HOOK"
same "three refuse" 1 "$(ask)"
check "all three reasons are there" sh -c "grep -q 'the backup is running' $DIR/out && grep -q 'the hook is busy' $DIR/out && grep -q 'a checkpoint is' $DIR/out"
cleanup_members

# What nobody may stop: an application of a user who is not in MayRefuse=.
chmod 755 $DIR
chmod 666 $SEEN
setpriv --reuid=labuser --regid=labuser --clear-groups $EXAMPLE --name app-user --refuse-check "I would rather not" > /dev/null &
user=$!
wait_until applications_are 1
same "an application of a user gives advice" 0 "$(ask)"
check "the advice is in the log" logged "I would rather not.*advice"
kill $user
wait $user 2> /dev/null
wait_until applications_are 0
fresh_daemon MayRefuse=labuser
setpriv --reuid=labuser --regid=labuser --clear-groups $EXAMPLE --name app-user --refuse-check "I would rather not" > /dev/null &
user=$!
wait_until applications_are 1
same "with MayRefuse= it stops the migration" 1 "$(ask)"
kill $user
wait $user 2> /dev/null
cleanup_members

fresh_daemon
script 10-planted 10
chmod 777 $SCRIPTS/10-planted
script 20-foreign 10
chown labuser $SCRIPTS/20-foreign
script 30-link 10
mv $SCRIPTS/30-link $DIR/30-link
ln -s $DIR/30-link $SCRIPTS/30-link
hook 40-planted
chmod o+w $HOOKS/40-planted
same "what others can write to does not decide" 0 "$(ask)"
check "and is not run" never "10-planted checkmigrate" "20-foreign checkmigrate" "30-link checkmigrate" "40-planted check"
for f in 10-planted 20-foreign 30-link 40-planted; do
	check "the log says that $f is not run" logged "is not run: .*$f"
done
rm -f $SCRIPTS/30-link

check "the daemon is idle" idle
finish
