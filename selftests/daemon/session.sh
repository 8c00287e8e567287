#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A completed migration: who is told what in which order, and the log line by line as on AIX, with an application that
# is slow.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0xda01

expected_log() {
	cat <<-'END'
		~~~~ Start: DR PMIG operation ~~~~
		Starting partition migration PRE phase
		Starting phase PRE for kernel.
		Starting PRE phase for scripts.
		Completed the phase for Scripts.
		Starting phase PRE for signal delivery.
		Completed signal delivery phase.
		Completed PRE signal phase.
		Starting phase PRE for kernel extensions.
		Completed the phase for kernel extensions.
		Starting Kernel phase.
		Starting phase KERNEL for kernel.
		Starting POST phase.
		Starting phase POST for kernel.
		Starting phase POST for kernel extensions.
		Completed the phase for kernel extensions.
		Starting phase POST for signal delivery.
		1 applications have not handled signals yet
		Completed signal delivery phase.
		Starting POST phase for scripts.
		Completed post notification for DLPAR scripts.
		~~~~ End: DR PMIG operation ~~~~
	END
}

expected_order() {
	cat <<-'END'
		app-a begin
		50-hook pre
		platform suspending
		10-one premigrate
		20-two premigrate
		app-a pre
		app-a resumed
		app-a post
		10-one postmigrate
		20-two postmigrate
		50-hook post
	END
}

locked_kb() { sed -n 's/^VmLck:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(systemctl show -P MainPID drmgrd)/status"; }
locked() { [ "$(locked_kb)" -gt 0 ]; }
unlocked() { [ "$(locked_kb)" -eq 0 ]; }

echo "TAP version 13"
fresh_daemon SlowNoticeSec=1
script 10-one 10
# shellcheck disable=SC2016
script 20-two 10 '[ $1 != postmigrate ] || echo "changed=$DR_CHANGED" > /run/daemon-test/changed'
hook 50-hook
app app-a --slow post 3000

stream $ID
drmgr -m -c pmig -p pre -s $ID > $DIR/out 2> $DIR/err &
job=$!
wait_until state_is enabled
wait_until phase_is copying
wait_until polled $ID $(($(polls $ID) + 5))
check "the daemon's memory is locked before anybody is quiet" locked
same "the watchdog of a migration is systemd's" 1min "$(systemctl show -P WatchdogUSec drmgrd)"
echo "platform suspending" >> $SEEN # nobody is told PRE before this line
state $ID suspending
wait $job
same "drmgr -p pre ends with 0" 0 $?
same "everyone is told in order" "$(expected_order)" "$(seen)"
same "the log is AIX's, line by line" "$(expected_log)" "$(aix_lines)"
check "the operator sees what changed" grep -q identity.system-id $DIR/out
check "scripts are told what changed" grep -q identity.system-id $DIR/changed
check "the daemon is idle" idle
check "and its memory is locked no more" unlocked
same "the watchdog of an idle daemon waits for ten years" 10y "$(systemctl show -P WatchdogUSec drmgrd)"
check "the journal is gone" test ! -e /run/drmgr/session

: > $SEEN
mark_log
drmgr -m -c pmig -p check -s $ID > $DIR/out 2>&1
same "a check of all who agree ends with 0" 0 $?
same "all are asked" "10-one checkmigrate
20-two checkmigrate
50-hook check
app-a check" "$(seen)"
same "the log of a check" "Starting CHECK phase for partition migration
Completed CHECK phase for partition migration" "$(aix_lines)"

: > $SEEN
drmgr migrate --simulate > $DIR/out 2>&1
same "drmgr migrate --simulate ends with 0" 0 $?
check "a simulated one is told to all" once "10-one checkmigrate" "10-one postmigrate" "app-a check" "app-a pre" "app-a post"
if is_ppc; then
	check "nothing is left of the simulation" sh -c "! ls $SIM/streams $SIM/destinations | grep -q drmgrd"
fi
finish
