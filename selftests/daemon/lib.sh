# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests of the daemon share: a platform to order a migration from (the lab's HMC on a pseries guest, the
# simulated hypervisor on any other), members that write down what they are told, and TAP. Everyone who is told
# something appends one line "NAME PHASE" to $SEEN, so that order and number can be compared.

SCRIPTS=/usr/lib/dr/scripts/all
HOOKS=/etc/drmgr.d/pmig
EXAMPLE=/usr/libexec/pmig/examples/example-fd
MEMBER=/usr/libexec/pmig/selftests/daemon/member
CONF=/etc/drmgr/drmgr.conf
SIM=/sys/kernel/config/pmig_sim
DIR=/run/daemon-test
SEEN=$DIR/seen
NR=0
FAILED=0
UNITS=
checking=	# a check's command runs: that it waits in vain is the check's failure

is_ppc() { grep -q pSeries /proc/cpuinfo; }

# ---- TAP

result() { # result STATUS TEXT
	NR=$((NR + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $NR - $2"
	else
		echo "not ok $NR - $2"
		FAILED=$((FAILED + 1))
	fi
}

check() { # check TEXT COMMAND...
	check_text=$1
	shift
	checking=1
	"$@" > $DIR/check 2>&1
	check_status=$?
	checking=
	[ $check_status -eq 0 ] || sed 's/^/#   /' $DIR/check
	result $check_status "$check_text"
}

same() { # same TEXT EXPECTED IS
	if [ "$2" = "$3" ]; then
		result 0 "$1"
	else
		echo "#   expected: $(echo "$2" | tr '\n' '|')"
		echo "#   is:       $(echo "$3" | tr '\n' '|')"
		result 1 "$1"
	fi
}

skip() { # skip TEXT REASON
	NR=$((NR + 1))
	echo "ok $NR - $1 # SKIP $2"
}

finish() {
	cleanup
	echo "1..$NR"
	exit $((FAILED > 0))
}

in_vain() {
	echo "# waited in vain for: $*"
	{
		drmgr status
		tail $DIR/out $SEEN
		journalctl --no-pager -o cat -n 20 -t DRMGR -u drmgrd
	} 2>&1 | sed 's/^/#   /'
	[ -n "$checking" ] || result 1 "waited in vain for: $*"
}

AWAIT=$(dirname "$0")/await

# Long, because everything is slow under emulation; nothing is concluded from how long it took. What tests wait for most
# is left to a program: each turn of a loop here would be several processes. To wait in vain is a failure.
wait_until() { # wait_until COMMAND...
	case $1 in
	state_is) $AWAIT status state "$2" ;;
	phase_is) $AWAIT status phase "$2" ;;
	idle) $AWAIT status state idle ;;
	applications_are) $AWAIT status applications "$2" ;;
	has_seen) $AWAIT line $SEEN "$2" ;;
	*) try_until "$@" ;;
	esac || { in_vain "$@"; return 1; }
}

try_until() {
	tries=0
	while ! "$@" > /dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 150 ] || return 1
		sleep 0.2
	done
}

# ---- the platform

# A hypervisor that can be asked, where no stream has been made yet.
hypervisor() { is_ppc || modprobe pmig_sim; }

sim_stream() { # sim_stream ID BLACKOUT_MS RESUMED_MS
	modprobe pmig_sim
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	# Every server is another one: the number of moves makes the serial.
	moves=$(($(cat $DIR/moves 2> /dev/null || echo 0) + 1))
	echo $moves > $DIR/moves
	rmdir "$SIM/streams/$1" $SIM/destinations/test 2> /dev/null
	mkdir $SIM/destinations/test "$SIM/streams/$1"
	echo "T$moves" > $SIM/destinations/test/serial
	echo $((32768 << (moves % 2))) > $SIM/destinations/test/l1d_size
	echo "$2" > $SIM/destinations/test/blackout_ms
	echo 1 > $SIM/destinations/test/live
	echo test > "$SIM/streams/$1/destination"
	if [ "$3" = never ]; then
		echo "enabled suspending resumed" > "$SIM/streams/$1/script"
	else
		echo "enabled suspending resumed:$3 completed" > "$SIM/streams/$1/script"
	fi
	echo 1 > "$SIM/streams/$1/live"
}

# A stream that is Enabled; the partition will stand still for so long, and run for so long in transit ("never": until
# the test says that it is completed).
stream() { # stream ID [BLACKOUT_MS [RESUMED_MS|never]]
	if is_ppc; then
		moves=$(($(cat $DIR/moves 2> /dev/null || echo 0) + 1))
		echo $moves > $DIR/moves
		hmc in-place "blackout-ms=${2:-50}" "resumed-ms=${3:-100}" > /dev/null
		hmc stream "$1" enabled > /dev/null
	else
		sim_stream "$1" "${2:-50}" "${3:-100}"
	fi
}

state() { # state ID STATE
	if is_ppc; then
		hmc stream "$1" "$2" > /dev/null
	else
		echo "$2" > "$SIM/streams/$1/force_state"
	fi
}

given_up() { dmesg | grep -c "suspend attempt 5 of 5"; }

# A stream moves the partition to a server that has this, and has ended when this returns. Where there is a hypervisor.
# With several processors one of them may leave H_JOIN too early each time that the kernel tries to suspend. After five
# such times the kernel gives up, which is no test's failure: then it is migrated again.
moves_to() { # moves_to ID KEY=VALUE...
	id=$1
	shift
	for _ in 1 2 3 4 5; do
		vain=$(given_up)
		hmc in-place blackout-ms=50 resumed-ms=100 "$@" > /dev/null || return
		hmc stream "$id" enabled > /dev/null || return
		drmgr -m -c pmig -p pre -s "$id" &
		job=$!
		wait_until phase_is copying
		state "$id" suspending
		wait "$job" && return
		[ "$(given_up)" -gt "$vain" ] || return 1
		wait_until idle
	done
	return 1
}

# How often the platform has been asked for the stream's state: the partition lives, and looks.
polls() { # polls ID
	if is_ppc; then
		hmc stat "$1" | tr ' ' '\n' | sed -n 's/^polls=//p'
	else
		cat "$SIM/streams/$1/polls"
	fi
}

polled() { [ "$(polls "$1")" -ge "$2" ]; } # polled ID NUMBER

# Somebody moves the partition without asking. Returns when it is over.
bare_write() { # bare_write ID
	if is_ppc; then
		echo "$1" > /sys/kernel/mobility/migration
	else
		echo 1 > "$SIM/streams/$1/foreign"
	fi
}

# What the platform was told when the partition cancelled, 0x00000000 where it has not.
cancel_reason() { # cancel_reason ID
	if is_ppc; then
		printf '0x%08x\n' "$(hmc stat "$1" | tr ' ' '\n' | sed -n 's/^cancel-reason=//p')"
	else
		cat "$SIM/streams/$1/cancel_reason"
	fi
}

# ---- the daemon

fresh_daemon() { # fresh_daemon [LINE...]: drmgr.conf has these lines
	mkdir -p $DIR $SCRIPTS $HOOKS
	rm -f $DIR/go # what a member of an earlier test was held by
	[ -e $DIR/conf ] || cp $CONF $DIR/conf 2> /dev/null || : > $DIR/conf
	printf '[drmgr]\n' > $CONF
	[ $# -eq 0 ] || printf '%s\n' "$@" >> $CONF
	: > $SEEN
	systemctl reset-failed drmgrd 2> /dev/null
	systemctl restart drmgrd
	mark_log
}

# log_lines and aix_lines begin here. (A cursor of journalctl would lose the first line that a filter lets through.)
mark_log() {
	echo "a test begins" | systemd-cat -t DRMGR
	journalctl --sync
}

daemon_state() { drmgr status | sed -n 's/^state: //p'; }
daemon_phase() { drmgr status | sed -n 's/^phase: //p'; }
state_is() { [ "$(daemon_state)" = "$1" ]; }
phase_is() { [ "$(daemon_phase)" = "$1" ]; }
idle() { state_is idle; }
bus_is_connected() { drmgr status | grep -qx "bus: connected"; }
applications_are() { drmgr status | grep -qx "applications: $1"; }

kill_daemon() {
	kill -9 "$(systemctl show -P MainPID drmgrd)"
}

log_lines() {
	journalctl --sync
	journalctl -t DRMGR -o cat --no-pager | awk '/^a test begins$/ { n = 0; next } { line[n++] = $0 } END { for (i = 0; i < n; i++) print line[i] }'
}

logged() { # logged PATTERN: since the mark
	log_lines | grep -q -e "$1"
}

# The lines of AIX's log, without those of ours in between.
aix_lines() {
	log_lines | grep -E '^(~~~~ |Starting |Completed |[0-9]+ applications have not)'
}

# ---- members

script() { # script NAME DR_TIMEOUT [SHELL TEXT, run after it has written down what it was told]
	cat > "$SCRIPTS/$1" <<-END
		#!/bin/sh
		case \$1 in
		scriptinfo) printf 'DR_SCRIPTINFO=test\nDR_VERSION=1\nDR_DATE=01012026\nDR_VENDOR=test\nDR_TIMEOUT=$2\n'; exit ;;
		register) echo DR_RESOURCE=pmig; exit ;;
		esac
		echo "$1 \$1" >> $SEEN
		${3:-:}
	END
	chmod 755 "$SCRIPTS/$1"
}

hook() { # hook NAME [SHELL TEXT]
	cat > "$HOOKS/$1" <<-END
		#!/bin/sh
		echo "$1 \$PHASE" >> $SEEN
		${2:-:}
	END
	chmod 755 "$HOOKS/$1"
}

app() { # app NAME [OPTIONS OF THE EXAMPLE]
	name=$1
	shift
	application "$name" $EXAMPLE --name "$name" "$@"
}

member() { # member NAME [OPTIONS OF THE MEMBER]
	name=$1
	shift
	application "$name" $MEMBER "$name" "$@"
}

application() { # application NAME PROGRAM...
	name=$1
	shift
	before=$(drmgr status | sed -n 's/^applications: //p')
	systemd-run --quiet --collect --unit="test-$name" sh -c \
		"exec \"\$@\" | sed -u -n 's/^\([a-z0-9-]*\): \([a-z-]*\) stream .*/\1 \2/p' >> $SEEN" sh "$@"
	UNITS="$UNITS test-$name"
	wait_until applications_are $((before + 1))
}

# Three drivers, test-a to test-c, that do as they are told, e.g. "refuse b check 16 REASON". Not on every guest:
# where the module was not built there is nothing to load, and the test fails.
drivers() {
	modprobe pmig_test timeout_ms=5000
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
}

driver() { echo "$*" > /sys/kernel/debug/pmig_test/control; }
drivers_seen() { cat /sys/kernel/debug/pmig_test/log; }

# What hanging scripts leave when they are killed carelessly.
no_sleeper() { ! pgrep -fx "sleep 1000"; }

seen() { cat $SEEN; }
has_seen() { grep -qx "$1" $SEEN; }
count() { grep -cx "$1" $SEEN; }

once() { # once LINE...: each was told exactly once
	for line; do
		[ "$(count "$line")" -eq 1 ] || { echo "\"$line\": $(count "$line") times"; seen; return 1; }
	done
}

never() { # never LINE...
	for line; do
		[ "$(count "$line")" -eq 0 ] || { echo "\"$line\": $(count "$line") times"; seen; return 1; }
	done
}

cleanup_members() {
	for unit in $UNITS; do
		systemctl stop "$unit" 2> /dev/null
	done
	UNITS=
	rm -f $SCRIPTS/[0-9][0-9]-* $HOOKS/[0-9][0-9]-*
	wait_until applications_are 0
	: > $SEEN
}

cleanup() {
	cleanup_members
	[ ! -e $DIR/conf ] || cp $DIR/conf $CONF
	rm -f $DIR/conf
	is_ppc || rmdir $SIM/streams/* $SIM/destinations/test 2> /dev/null
	systemctl reset-failed drmgrd 2> /dev/null
	systemctl restart drmgrd
}
