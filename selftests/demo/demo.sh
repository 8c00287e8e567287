#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The whole path once, to look at: inside the guest, two applications and two scripts are told of a
# migration to a second emulated server. What it shows it also checks, as TAP.
#
# The admin's steps are the ones an admin would take; `hmc` stands for the HMC and the platform.
set -u

ID=0x4d6f7665
APPS="example-fd example-aix"
EXAMPLES=/usr/libexec/pmig/examples
SCRIPTS=/usr/share/drmgr/scripts.d
CPU=/sys/devices/system/cpu/cpu0/cache/index0/size
TREE=/proc/device-tree

nr=0
failed=0

say() { echo "# $*"; }
run() { echo "# \$ $*"; "$@" 2>&1 | sed 's/^/#   /'; }

check() { # check TEXT COMMAND...: one TAP line
	text=$1
	shift
	nr=$((nr + 1))
	if "$@" > /dev/null 2>&1; then
		echo "ok $nr - $text"
	else
		echo "not ok $nr - $text"
		failed=$((failed + 1))
	fi
}

machine() {
	echo "system-id $(tr -d '\0' < $TREE/system-id), d-cache $(cat $CPU)," \
		"clock $(od -An -tx1 "$(find $TREE/cpus -name clock-frequency | head -n 1)" | tr -d ' \n')"
}

# ---- the copy of the memory, as the platform sees it

field() { hmc stat $ID | tr ' ' '\n' | sed -n "s/^$1=//p"; }

copy_line() { # the stream's state and the copy's figures
	hmc stat $ID | tr ' ' '\n' | awk -F= '{ v[$1] = $2 }
		END {
			split("Enabled Aborted Suspending Suspended Resumed Completed", state, " ")
			printf "%-10s  round %d, %4d MiB copied, %4d MiB left\n", state[v["state"]], v["rounds"],
				v["bytes"] / 1048576, v["remaining"] / 1048576
		}'
}

# A line a second as long as the process runs. The line between the servers is slow until the partition runs at the
# destination, so that there is something to see.
follow_copy() { # follow_copy PROCESS
	while kill -0 "$1" 2> /dev/null; do
		copy_line | tee -a /run/demo-copy | sed 's/^/#   /'
		if grep -q ^Resumed /run/demo-copy && [ ! -e /run/demo-fast ]; then
			touch /run/demo-fast
			hmc bandwidth 32M > /dev/null 2>&1
		fi
		sleep 1
	done
}

drmgr_lines() { journalctl -t DRMGR -o cat --no-pager; }
app_lines() { journalctl -u "$1" -o cat --no-pager; }

# What an application was told, in order; not the notices that need no answer.
phases() { app_lines "$1" | sed -n -E 's/^[a-z-]+: (check|pre|post|post-error) stream .*/\1/p' | tr '\n' ' '; }

# One migration in AIX's words, from its start to its end: the line of each phase.
log_of_a_migration() {
	cat <<-'END'
		~~~~ Start: DR PMIG operation ~~~~
		Starting partition migration PRE phase
		Starting PRE phase for scripts.
		Starting phase PRE for signal delivery.
		Starting phase PRE for kernel extensions.
		Starting Kernel phase.
		Starting POST phase.
		Starting phase POST for kernel extensions.
		Starting phase POST for signal delivery.
		Starting POST phase for scripts.
		~~~~ End: DR PMIG operation ~~~~
	END
}

log_of_phases() { drmgr_lines | grep -E '^(~~~~ .* DR PMIG|Starting (partition|Kernel|POST|PRE|phase .* (signal|kernel ext)))'; }

echo "TAP version 13"
say "---- 1. an admin installs two scripts and starts the daemon"
mkdir -p /usr/lib/dr/scripts/all /etc/drmgr.d/pmig
for s in "$SCRIPTS"/*; do
	[ -f "$s" ] && [ -x "$s" ] && install -m 755 "$s" /usr/lib/dr/scripts/all/
done
for s in "$SCRIPTS"/hooks/*; do
	[ -x "$s" ] && install -m 755 "$s" /etc/drmgr.d/pmig/
done
run ls /usr/lib/dr/scripts/all /etc/drmgr.d/pmig
run systemctl start drmgrd
check "the module is loaded" grep -q '^pmig ' /proc/modules

say "---- 2. two applications register: one with dr_open(), one that only catches SIGRECONFIG, as on AIX"
for a in $APPS; do
	systemd-run --quiet --unit="$a" "$EXAMPLES/$a"
done
for _ in 1 2 3 4 5 6 7 8 9 10; do
	drmgr status | grep -Eq 'applications:? *2' && break
	sleep 0.3
done
run drmgr status
check "both are registered" sh -c "drmgr status | grep -Eq 'applications:? *2'"

say "---- 3. the HMC validates: may this partition move?"
before=$(machine)
say "here: $before"
destination=$(hmc destination bandwidth=1M)
say "a second server is ready, and memory is being copied to it: $destination"
hmc stream $ID enabled > /dev/null
run drmgr -m -c pmig -p check -s $ID -t 19 -n 5 -d 1
check "nobody refuses" drmgr -m -c pmig -p check -s $ID -t 19 -n 5 -d 1

say "---- 4. the HMC moves it: memory is copied while it runs, then the platform asks the partition to stop"
hmc after 3000 stream $ID suspending > /dev/null
drmgr -m -c pmig -p pre -s $ID -t 19 -n 5 -d 1 > /run/demo-pre 2>&1 &
pre=$!
follow_copy $pre
wait $pre
status=$?
copy_line | tee -a /run/demo-copy | sed 's/^/#   /'
sed 's/^/#   /' /run/demo-pre
check "drmgr -p pre ends with 0" test $status -eq 0
say "stood still for $((($(field t_resume_us) - $(field t_suspend_us)) / 1000)) ms," \
	"then pulled $(field pulled) pages that it needed before they came"
check "it moved to another server" test "$(field kind)" = move
check "memory was copied while it ran" grep -q "^Enabled .* [1-9][0-9]* MiB copied" /run/demo-copy
case $destination in
*mode=postcopy*) check "and the rest followed when it ran there" grep -q "^Resumed .* [1-9][0-9]* MiB left" /run/demo-copy ;;
*)
	nr=$((nr + 1))
	echo "ok $nr - and the rest followed when it ran there # SKIP no post-copy: it was copied during the stand-still"
	;;
esac
check "it is Completed when no memory is left" \
	sh -c "grep ^Completed /run/demo-copy | head -n 1 | grep -q ' 0 MiB left'"
after=$(machine)
say "before: $before"
say "now:    $after"
check "it is another machine" test "$before" != "$after"

say "---- 5. what the applications saw"
for a in $APPS; do
	app_lines "$a" | sed 's/^/#   /'
	check "$a was asked twice, told PRE, and then that it has moved" test "$(phases "$a")" = "check check pre post "
done
check "the fd application was told the new cache size" \
	sh -c "journalctl -u example-fd -o cat --no-pager | grep -q cache.l1d.size"

say "---- 6. the log"
drmgr_lines | sed 's/^/#   /'
check "the log has AIX's phases, in order" test "$(log_of_phases)" = "$(log_of_a_migration)"
check "the daemon is idle again" sh -c "drmgr status | grep -Eqi 'state:? *(idle|none)'"

echo "1..$nr"
exit $((failed > 0))
