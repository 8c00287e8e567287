#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One migration without an attack, and one while 32 users at their quota and the user nobody attack it (attack.c): each
# phase takes no longer than one grace more, by the log's own times, and ends as well. What they ask for is far longer
# than the slack that an emulated machine has here, and so is a second grace.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0xda66
USERS=32
EACH=8
GRACE=20
SLACK=15
ATTACK=$(dirname "$0")/attack

# seconds FROM TO: between these lines of the log
seconds() {
	journalctl --sync
	journalctl -t DRMGR -o short-unix --no-pager | awk -v from="$1" -v to="$2" '
		/: a test begins$/ { begin = 0; end = 0 }
		index($0, from) { begin = $1 }
		index($0, to) { end = $1 }
		END { print (begin && end >= begin ? int(end - begin + 0.5) : -1) }'
}

migrate() { # migrate NAME: CHECK and one migration; how long each phase took is in $DIR/PHASE-NAME
	: > $SEEN
	mark_log
	stream $ID
	drmgr -m -c pmig -p check -s $ID > $DIR/out.check 2>&1
	same "$1: a check ends with 0" 0 $?
	drmgr -m -c pmig -p pre -s $ID > $DIR/out 2>&1 &
	job=$!
	wait_until has_seen "50-hook pre"
	state $ID suspending
	wait $job
	same "$1: a migration ends with 0" 0 $?
	check "$1: who counts is told each phase, once" once "10-one checkmigrate" "10-one premigrate" "10-one postmigrate" \
		"50-hook check" "50-hook pre" "50-hook post" "app-a check" "app-a pre" "app-a post"
	seconds 'Starting CHECK phase' 'Completed CHECK phase' > "$DIR/CHECK-$1"
	seconds 'Starting phase PRE for kernel.' 'Starting Kernel phase.' > "$DIR/PRE-$1"
	seconds 'Starting POST phase.' 'End: DR PMIG operation' > "$DIR/POST-$1"
}

no_longer() { # no_longer PHASE
	alone=$(cat "$DIR/$1-alone") attacked=$(cat "$DIR/$1-attacked")
	echo "# $1: $alone s alone, $attacked s attacked; $((GRACE + SLACK)) s more are allowed"
	[ "$alone" -ge 0 ] && [ "$attacked" -ge 0 ] && [ "$attacked" -le $((alone + GRACE + SLACK)) ]
	result $? "attacked, $1 takes no longer than one grace more"
}

is_attacked() { grep -qx ready $DIR/attack; }
no_way_in() { ! grep 'way in' $DIR/attack; }
registers() { # it stays until it is ended: a wrong status is that it may not
	timeout 10 "$MEMBER" app-b
	[ $? -eq 124 ]
}
same_daemon() { [ "$(systemctl show -P MainPID drmgrd)" = "$daemon" ]; }

echo "TAP version 13"
fresh_daemon GraceSec=$GRACE ApplicationTimeoutMaxSec=600 PreTimeoutSec=600 MaxApplicationsPerUser=$EACH
script 10-one 300
hook 50-hook
app app-a
daemon=$(systemctl show -P MainPID drmgrd)
migrate alone

for i in $(seq $USERS); do
	echo "attack$i:x:$((19999 + i)):65534::/:/bin/false"
done >> /etc/passwd
# As users have it: a slice beside the system's, with as much of the processors
systemd-run --quiet --collect --unit=test-attack --slice=user.slice -p StandardOutput=file:$DIR/attack "$ATTACK" $USERS $EACH
check "all attackers are at work" wait_until is_attacked
check "they have all that they may have" wait_until applications_are $((USERS * EACH + 1))
migrate attacked
check "root has room for one more" registers
check "nothing was open that should be closed" no_way_in
check "it is the same daemon" same_daemon
for phase in CHECK PRE POST; do
	no_longer $phase
done
systemctl stop test-attack
sed -i '/^attack[0-9]*:/d' /etc/passwd
check "nothing of them is left" wait_until applications_are 1
finish
