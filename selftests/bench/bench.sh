#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures in a guest, with the hypervisor's clock (hmc stat, hmc time). Prints "# sample FIGURE VALUE" for each
# measurement, times in microseconds; what they say is figures.py's business. What is compared is measured in
# turn in the same guest, in random order, never one after the other.
#
#   bench.sh MEASUREMENT
set -u

ID=0xbe7c4
ROUNDS=${ROUNDS:-15}
PAIRS=${PAIRS:-30}
LONG_ROUNDS=${LONG_ROUNDS:-5}
MINUTES=${MINUTES:-3}
UTILS=/opt/powerpc-utils	# Debian's package, where the lab put it there
EXAMPLE=/usr/libexec/pmig/examples/example-fd
CONF=/etc/drmgr/drmgr.conf
RESULT=/run/bench
mkdir -p $RESULT

sample() { echo "# sample $1 $2"; }

give_up() {
	echo "# bench: $*"
	echo "not ok 1 - measured"
	echo "1..1"
	exit 1
}

field() { # field NAME: one value of the last `stat`
	tr ' ' '\n' < $RESULT/stat | sed -n "s/^$1=//p"
}

shuffled() { printf '%s\n' "$@" | busybox shuf; }

# One migration, by a bare write or through drmgr; the stream is Enabled for $2 ms.
migrate() { # migrate bare|drmgr|utils ENABLED_MS
	hmc stream $ID enabled > /dev/null
	hmc after "$2" stream $ID suspending > /dev/null
	case $1 in
	bare) echo $ID > /sys/kernel/mobility/migration ;;
	drmgr) drmgr -m -c pmig -p pre -s $ID > /dev/null 2>&1 ;;
	utils) chroot $UTILS /usr/sbin/drmgr -m -c pmig -p pre -s $ID > /dev/null 2>&1 ;;
	esac || give_up "the migration ($1) failed"
	hmc stat $ID > $RESULT/stat
	[ "$(field t_suspend_us)" -gt 0 ] || give_up "the migration ($1) did not suspend"
}

stay() { hmc in-place blackout-ms=50 > /dev/null; }
module_in() { systemctl start drmgrd && drmgr status > /dev/null; }
module_out() { systemctl stop drmgrd && rmmod pmig; }

# How long the processors were kept from their work beside the stand-still itself, in $still. All is the same in
# both ways but what is being measured: module and daemon have come and gone once, and a first migration of the
# same kind has been made, since the emulator translates code when it runs for the first time.
keep_still() { # keep_still bare|drmgr
	module_in && module_out
	[ "$1" = bare ] || module_in
	stay
	migrate "$1" 300
	stay
	migrate "$1" 300
	[ "$(field t_first_join_us)" -gt 0 ] && [ "$(field t_last_back_us)" -gt 0 ] ||
		give_up "nobody has seen the processors join and come back"
	still=$(($(field t_suspend_us) - $(field t_first_join_us) + $(field t_last_back_us) - $(field t_resume_us)))
	[ "$1" = bare ] || module_out
}

blackout_ratio() {
	for _ in $(seq "$PAIRS"); do
		for how in $(shuffled bare drmgr); do
			keep_still "$how"
			[ "$how" = bare ] && bare=$still || module=$still
		done
		sample blackout-bare "$bare"
		sample blackout-module "$module"
		sample blackout-ratio "$module/$bare"
	done
}

# To another server; what has to be copied grows with the memory in use, so each way is as often the later one.
move_bytes() {
	for _ in $(seq "$LONG_ROUNDS"); do
		for how in $(shuffled bare drmgr); do
			[ "$how" = bare ] || module_in
			hmc destination > /dev/null || give_up "there is no destination"
			migrate "$how" 3000
			[ "$how" = bare ] || module_out
			[ "$how" = bare ] && arm=-bare || arm=
			sample move-bytes$arm "$(field bytes)"
			sample move-pulled$arm "$(field pulled)"
		done
	done
}

suspend_latency() {
	for i in $(seq "$ROUNDS"); do
		for how in $(shuffled bare drmgr); do
			[ "$how" = bare ] || module_in
			stay
			# the moment within a second of mainline's own polling is spread over the rounds
			migrate "$how" $((600 + i * 97))
			latency=$(($(field t_suspend_us) - $(field t_suspending_us)))
			[ "$how" = bare ] || module_out
			[ "$how" = bare ] && sample suspend-latency-mainline $latency || sample suspend-latency $latency
		done
	done
}

# Hook of powerpc-utils and AIX script in one, which writes the hypervisor's time when it is told PRE.
pre_script() { # pre_script FILE
	mkdir -p "${1%/*}"
	cat > "$1" << 'END'
#!/bin/sh
case ${1:-}${PHASE:-} in
scriptinfo) printf 'DR_SCRIPTINFO=bench\nDR_VERSION=1\nDR_DATE=01012026\nDR_VENDOR=pmig\n' ;;
register) echo DR_RESOURCE=pmig ;;
premigrate | pre) PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin hmc time > /run/bench/pre-told ;;
esac
exit 0
END
	chmod 755 "$1"
}

# PRE told to the start of the blackout, the stream Enabled for 10 s
quiesce() { # quiesce FIGURE FILE drmgr|utils [LINE OF drmgr.conf]
	pre_script "$2"
	printf '[drmgr]\n%s\n' "${4:-}" > $CONF
	[ "$3" = utils ] || module_in
	rm -f $RESULT/pre-told
	stay
	migrate "$3" 10000
	[ -s $RESULT/pre-told ] || give_up "$1: nobody was told PRE"
	sample "$1" $(($(field t_suspend_us) - $(sed 's/^ok //' $RESULT/pre-told)))
	rm "$2"
	[ "$3" = utils ] || module_out
}

quiesced_powerpc_utils() { quiesce quiesced-powerpc-utils $UTILS/etc/drmgr.d/pmig/bench utils; }
quiesced_hook() { quiesce quiesced /etc/drmgr.d/pmig/bench drmgr HooksAt=pre; }
quiesced_default() { quiesce quiesced-default /etc/drmgr.d/pmig/bench drmgr; }
quiesced_script() { quiesce quiesced-script /usr/lib/dr/scripts/all/bench drmgr; }

quiesced() {
	ways="hook default script"
	if [ -x $UTILS/usr/sbin/drmgr ]; then
		utils_root
		ways="$ways powerpc_utils"
	else
		echo "# bench: there is no $UTILS here"
	fi
	for _ in $(seq "$LONG_ROUNDS"); do
		# shellcheck disable=SC2086 # a list
		for how in $(shuffled $ways); do
			"quiesced_$how"
		done
	done
}

utils_root() {
	mkdir -p $UTILS/etc/drmgr.d/pmig $UTILS/var/lock $UTILS/var/log $UTILS/tmp
	for d in bin sbin lib lib64; do
		[ -e $UTILS/$d ] || ln -s usr/$d $UTILS/$d
	done
	for d in proc sys dev run; do
		mkdir -p $UTILS/$d
		mountpoint -q $UTILS/$d || mount --rbind /$d $UTILS/$d
	done
	cp "$(command -v hmc)" $UTILS/usr/bin/
}

module_bytes() {
	for _ in 1 2 3; do
		module_in
		sample module-bytes "$(cat /sys/module/pmig/coresize)"
		module_out
	done
}

daemon_rss() {
	for _ in 1 2 3 4 5; do
		module_in
		# status has VmRSS, too, but counted in lumps of 64 pages
		maps=/proc/$(systemctl show -P MainPID drmgrd)/smaps_rollup
		sample daemon-rss "$(awk '/^Rss/ { print $2 }' "$maps")"
		sample daemon-private "$(awk '/^Private/ { n += $2 } END { print n }' "$maps")"
		systemctl stop drmgrd
	done
}

trace() { # trace 0|1
	for event in workqueue/workqueue_execute_start timer/timer_expire_entry; do
		echo "$1" > "/sys/kernel/tracing/events/$event/enable" || give_up "there is no event $event"
	done
}

switches() { # switches PID...: how often they have gone to sleep or been preempted
	for pid; do
		cat "/proc/$pid/status"
	done | awk '/ctxt_switches/ { n += $2 } END { print n }'
}

lost_events() { cat /sys/kernel/tracing/per_cpu/cpu*/stats | awk '/overrun:|dropped events:/ { n += $NF } END { print n + 0 }'; }

# A minute, several times: what wakes up of the processes, and of the module's work items and timers.
idle_minutes() { # idle_minutes FIGURE PID...
	figure=$1
	shift
	for _ in $(seq "$MINUTES"); do
		echo > /sys/kernel/tracing/trace
		lost=$(lost_events)
		trace 1
		before=$(switches "$@")
		sleep 60
		after=$(switches "$@")
		trace 0
		grep -q 'function=' /sys/kernel/tracing/trace || give_up "$figure: the trace has seen no timer at all"
		grep -q ': function ' /sys/kernel/tracing/trace || give_up "$figure: the trace has seen no work item at all"
		[ "$(lost_events)" -eq "$lost" ] || give_up "$figure: the trace has lost events"
		sample "$figure" $((after - before + $(grep -c '\[pmig\]' /sys/kernel/tracing/trace)))
	done
}

registered() { # registered NUMBER: waits until so many applications are
	tries=0
	until drmgr status | grep -qx "applications: $1"; do
		tries=$((tries + 1))
		[ $tries -lt 120 ] || give_up "there are no $1 applications: $(tail -n 3 $RESULT/applications)"
		sleep 1
	done
}

start_applications() {
	applications=
	for i in $(seq 100); do
		$EXAMPLE --name "bench-$i" > /dev/null 2>> $RESULT/applications &
		applications="$applications $!"
		# the bus takes only so many newcomers at a time
		[ $((i % 10)) -ne 0 ] || registered "$i"
	done
}

idle_wakeups() {
	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
	echo 8192 > /sys/kernel/tracing/buffer_size_kb
	module_in
	daemon=$(systemctl show -P MainPID drmgrd)
	idle_minutes idle-wakeups "$daemon"
	start_applications
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		stay
		migrate drmgr 300
	done
	registered 100
	# shellcheck disable=SC2086 # a list
	idle_minutes idle-wakeups-after "$daemon" $applications
	# shellcheck disable=SC2086
	kill $applications
}

case ${1:-} in
blackout-ratio) blackout_ratio ;;
move-bytes) move_bytes ;;
suspend-latency) suspend_latency ;;
quiesced) quiesced ;;
module-bytes) module_bytes ;;
daemon-rss) daemon_rss ;;
idle-wakeups) idle_wakeups ;;
*)
	echo "bench.sh: no measurement '${1:-}'" >&2
	exit 2
	;;
esac
echo "ok 1 - measured"
echo "1..1"
