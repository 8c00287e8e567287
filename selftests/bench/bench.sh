#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The figures, measured in a guest but with the hypervisor's clock (hmc stat, hmc time). Each line is
# "bench NAME VALUE UNIT" and what it is compared with. Two things that are compared are measured in turn in
# the same guest, never one after the other.
#
#   bench.sh NAME      one figure; without a name, all that this guest can measure
set -u

ID=0xbe7c4
ROUNDS=${ROUNDS:-10}
UTILS=/opt/powerpc-utils	# trixie's package, where the lab put it there
RESULT=/run/bench
mkdir -p $RESULT

say() { echo "bench $*"; }

field() { # field NAME: one value of the reply of `hmc stat`
	hmc stat $ID | tr ' ' '\n' | sed -n "s/^$1=//p"
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }

# Where the middle half of them lies: a difference smaller than that is noise.
spread() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { printf "half within %d to %d", v[int((NR + 3) / 4)] / 1000, v[int((3 * NR + 3) / 4)] / 1000 }'
}

# One migration, by a bare write or through drmgr; the stream is Enabled for $2 ms.
migrate() { # migrate bare|drmgr|utils ENABLED_MS
	hmc stream $ID enabled > /dev/null
	hmc after "$2" stream $ID suspending > /dev/null
	case $1 in
	bare) echo $ID > /sys/kernel/mobility/migration ;;
	drmgr) drmgr -m -c pmig -p pre -s $ID > /dev/null 2>&1 ;;
	utils) chroot $UTILS /usr/sbin/drmgr -m -c pmig -p pre -s $ID > /dev/null 2>&1 ;;
	esac || { echo "# bench: the migration ($1) failed" >&2; exit 1; }
}

module_in() { systemctl start drmgrd && drmgr status > /dev/null; }
module_out() { systemctl stop drmgrd && rmmod pmig; }

# One move to another server; adds how long the partition stood still to $RESULT/HOW.
move() { # move bare|module
	hmc destination > /dev/null
	if [ "$1" = bare ]; then
		migrate bare 300
	else
		module_in
		migrate drmgr 300
		module_out
	fi
	echo $(($(field t_resume_us) - $(field t_suspend_us))) >> "$RESULT/$1"
}

blackout_ratio() {
	ROUNDS=$((2 * ROUNDS))
	: > $RESULT/bare
	: > $RESULT/module
	# Memory in use only grows, and it is what is copied: so each is as often the later one.
	for i in $(seq "$ROUNDS"); do
		if [ $((i % 2)) -eq 1 ]; then
			move bare
			move module
		else
			move module
			move bare
		fi
	done
	m=$(median $RESULT/module)
	b=$(median $RESULT/bare)
	say "blackout-ratio $(awk "BEGIN { printf \"%.3f\", $m / $b }") ratio" \
		"median of $ROUNDS moves with the module $((m / 1000)) ms ($(spread $RESULT/module))," \
		"bare echo $((b / 1000)) ms ($(spread $RESULT/bare)); aim <= 1.01"
}

latency() { # latency HOW: median of Suspending -> ibm,suspend-me, microseconds
	: > $RESULT/latency
	for i in $(seq "$ROUNDS"); do
		hmc in-place blackout-ms=50 > /dev/null
		# the moment within a second of mainline's own polling is spread over the rounds
		migrate "$1" $((600 + i * 97))
		echo $(($(field t_suspend_us) - $(field t_suspending_us))) >> $RESULT/latency
	done
	median $RESULT/latency
}

suspend_latency() {
	module_in
	ours=$(latency drmgr)
	module_out
	mainline=$(latency bare)
	say "suspend-latency $(awk "BEGIN { printf \"%.1f\", $ours / 1000 }") ms" \
		"median of $ROUNDS, Suspending to ibm,suspend-me, nobody registered; aim <= 50"
	say "suspend-latency-mainline $(awk "BEGIN { printf \"%.1f\", $mainline / 1000 }") ms" \
		"median of $ROUNDS, the same with a bare echo"
}

# A hook or script that writes the hypervisor's time when it is told PRE.
pre_script() {
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

quiesced() {
	mkdir -p /usr/lib/dr/scripts/all
	pre_script /usr/lib/dr/scripts/all/bench
	module_in
	hmc in-place blackout-ms=50 > /dev/null
	migrate drmgr 10000
	ours=$(($(field t_suspend_us) - $(sed 's/^ok //' $RESULT/pre-told)))
	rm /usr/lib/dr/scripts/all/bench
	module_out
	say "quiesced $((ours / 1000)) ms first PRE told to the start of the blackout, Enabled for 10 s; aim <= 500"
	[ -x $UTILS/usr/sbin/drmgr ] || { echo "# quiesced-powerpc-utils: no $UTILS here"; return; }
	utils_root
	rm -f $RESULT/pre-told
	pre_script $UTILS/etc/drmgr.d/pmig/bench
	hmc in-place blackout-ms=50 > /dev/null
	migrate utils 10000
	theirs=$(($(field t_suspend_us) - $(sed 's/^ok //' $RESULT/pre-told)))
	say "quiesced-powerpc-utils $((theirs / 1000)) ms the same with powerpc-utils" \
		"$(cat $UTILS/version) and a hook; expected > 10000"
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
	module_in
	say "module-bytes $(cat /sys/module/pmig/coresize) bytes of pmig.ko as loaded"
}

daemon_rss() {
	module_in
	say "daemon-rss $(awk '/^VmRSS/ { print $2 }' "/proc/$(systemctl show -P MainPID drmgrd)/status") KiB" \
		"nobody registered; of it private $(awk '/^Private/ { n += $2 } END { print n }' \
			"/proc/$(systemctl show -P MainPID drmgrd)/smaps_rollup") KiB"
}

idle_wakeups() {
	module_in
	t=/sys/kernel/tracing
	mountpoint -q $t || mount -t tracefs t $t
	pid=$(systemctl show -P MainPID drmgrd)
	echo > $t/trace
	echo 1 > $t/events/workqueue/workqueue_execute_start/enable
	echo 1 > $t/events/timer/timer_expire_entry/enable
	a=$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$pid/status")
	sleep 60
	b=$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$pid/status")
	echo 0 > $t/events/workqueue/workqueue_execute_start/enable
	echo 0 > $t/events/timer/timer_expire_entry/enable
	seen=$(grep -c 'function=' $t/trace)
	module=$(grep -c '\[pmig\]' $t/trace)
	say "idle-wakeups $((b - a + module)) wake-ups in 60 s: daemon $((b - a)), module $module" \
		"(of $seen works and timers in the guest); aim 0"
}

case ${1:-all} in
blackout-ratio) blackout_ratio ;;
suspend-latency | suspend-latency-mainline) suspend_latency ;;
quiesced | quiesced-powerpc-utils) quiesced ;;
module-bytes) module_bytes ;;
daemon-rss) daemon_rss ;;
idle-wakeups) idle_wakeups ;;
all)
	module_bytes
	daemon_rss
	idle_wakeups
	suspend_latency
	quiesced
	blackout_ratio
	;;
*)
	echo "bench: no figure '$1'" >&2
	exit 2
	;;
esac
echo "1..1"
echo "ok 1 - measured"
