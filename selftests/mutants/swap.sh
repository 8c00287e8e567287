#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In a guest: swap.sh NAME puts the files of mutant NAME (a directory beside this script) into place, everything
# else as it was built without a mutant, and unloads the modules, so that what is tried next is loaded anew.
# Fails when a module cannot be unloaded: then the guest is of no more use.
cd "$(dirname "$0")" || exit 1

end_tests() { # what is left of a test that was stopped half-way
	for exe in /proc/[0-9]*/exe; do
		case $(readlink "$exe") in
		/usr/libexec/pmig/selftests/*)
			pid=${exe#/proc/}
			kill -9 "${pid%/exe}"
			;;
		esac
	done
	for stream in /sys/kernel/config/pmig_sim/streams/*; do
		[ ! -d "$stream" ] || rmdir "$stream"
	done
	# The module keeps a session whose owner has died for whoever adopts it.
	! loaded pmig || /usr/libexec/pmig/selftests/kernel/quiet
}

loaded() { grep -q "^$1 " /proc/modules; }

unload() { # waits until what has just ended has let go
	for _ in $(seq 100); do
		loaded "$1" || return 0
		rmmod "$1" && return 0
		sleep 0.2
	done 2> /dev/null
	return 1
}

end_tests
[ ! -d /run/systemd/system ] || systemctl stop drmgrd
for module in example_driver example_stubs pmig_vas pmig_test pmig_sim pmig; do
	unload $module || exit 1
done
cp -r unchanged/. / && cp -r "${1:?which mutant?}/." / || exit 1
[ ! -d /run/systemd/system ] || systemctl daemon-reload
