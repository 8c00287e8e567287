#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # functions are called by check
#
# What tests of the daemon stand on: systemd, the bus, the journal, other users, a disk that goes on being
# written after a move.
# shellcheck source=selftests/lab/tests/lib.sh
. "$(dirname "$0")/lib.sh"

ID=0x4321

move() {
	hmc stream $ID enabled
	hmc after 300 stream $ID suspending
	echo $ID > /sys/kernel/mobility/migration
}

activation() { # a service that only the bus starts
	mkdir -p /run/dbus-1 /etc/dbus-1/system.d /usr/share/dbus-1/system-services
	cat > /usr/share/dbus-1/system-services/org.example.Lab.service <<-EOF
		[D-BUS Service]
		Name=org.example.Lab
		Exec=/bin/false
		User=root
		SystemdService=lab-activated.service
	EOF
	cat > /etc/dbus-1/system.d/org.example.Lab.conf <<-EOF
		<busconfig><policy user="root"><allow own="org.example.Lab"/>
		<allow send_destination="org.example.Lab"/></policy></busconfig>
	EOF
	cat > /run/systemd/system/lab-activated.service <<-EOF
		[Service]
		ExecStart=/bin/touch /run/lab-activated
	EOF
	systemctl daemon-reload
	busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig
	busctl --timeout=2 call org.example.Lab / org.example.Lab Hello
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -e /run/lab-activated ] && return 0
		sleep 0.2
	done
	return 1
}

journal() {
	logger -t LABTEST "a line for the journal" || systemd-cat -t LABTEST echo "a line for the journal"
	journalctl --sync
	journalctl -t LABTEST -o cat --no-pager | grep -q "a line for the journal"
}

as_user() {
	setpriv --reuid="$1" --regid="$1" --clear-groups id -un | grep -qx "$1"
}

on_disk() {
	echo "$1" > /var/lib/lab-test && sync && grep -qx "$1" /var/lib/lab-test
}

check "systemd runs" sh -c 'systemctl is-system-running --wait | grep -Ex "running|degraded"'
check "no unit failed" sh -c '! systemctl list-units --failed --no-legend --plain | grep .'
check "the bus answers" busctl --no-pager list
check "D-Bus activation" activation
check "the journal" journal
check "labuser" as_user labuser
check "nobody" sh -c 'setpriv --reuid=nobody --regid=nogroup --clear-groups id -un | grep -qx nobody'
check "systemd-run" systemd-run --quiet --wait /bin/true
check "root is on the disk" sh -c 'findmnt -no SOURCE / | grep -qx /dev/vda'
check "the disk is written" on_disk before
if grep -q pSeries /proc/cpuinfo; then
	hmc destination
	check "moves to a second server" move
	check "which is another process" is kind move
	check "the disk is written after the move" on_disk after
	check "systemd runs after the move" systemd-run --quiet --wait /bin/true
	check "the journal after the move" journal
fi
done_testing
