#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The scripts of scripts.d: each by every command of its contract, with chronyc, sync, logger and
# /proc/meminfo replaced by fakes that note how they were called. Needs neither root nor a daemon.
# $SCRIPTS is where they are; unless told, in the tree, or where `make install` puts them.

# Functions are called by name, through check.
# shellcheck disable=SC2317
here=$(dirname "$0")
if [ -z "${SCRIPTS:-}" ]; then
	SCRIPTS=$here/../../scripts.d
	[ -d "$SCRIPTS" ] || SCRIPTS=/usr/share/drmgr/scripts.d
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
nr=0
failed=0

check() { # check TEXT COMMAND...
	text=$1
	shift
	nr=$((nr + 1))
	if "$@"; then
		echo "ok $nr - $text"
	else
		echo "not ok $nr - $text"
		sed 's/^/# out: /' "$dir/out"
		sed 's/^/# called: /' "$dir/calls"
		failed=1
	fi
}

fake() { # fake NAME EXIT-STATUS [OUTPUT]: a program that notes its arguments
	cat > "$dir/$1" <<-END
	#!/bin/sh
	echo "\$*" >> "$dir/calls"
	echo "${3:-}"
	exit $2
	END
	chmod 755 "$dir/$1"
}

run() { # run STATUS SCRIPT ARGUMENTS...: its output to $dir/out
	want=$1
	script=$2
	shift 2
	: > "$dir/calls"
	"$SCRIPTS/$script" "$@" > "$dir/out" 2>&1 < /dev/null
	got=$?
	[ "$got" -eq "$want" ]
}

has() { grep -Eq "$1" "$dir/out"; }
is_empty() { [ ! -s "$dir/out" ]; }
called() { [ "$(cat "$dir/calls")" = "$1" ]; }
run_and() { # run_and STATUS SCRIPT COMMAND CHECK...
	run "$1" "$2" "$3" pmig || return 1
	shift 3
	"$@"
}
only_contract_lines() { ! grep -Evq '^DR_[A-Z_]+=.' "$dir/out"; }

fake chronyc 0
fake sync 0
fake logger 0
printf 'MemTotal: 100 kB\nDirty:   12 kB\nWriteback: 30 kB\nDirtyish: 7 kB\n' > "$dir/meminfo"
CHRONYC=$dir/chronyc SYNC=$dir/sync LOGGER=$dir/logger MEMINFO=$dir/meminfo
export CHRONYC SYNC LOGGER MEMINFO

echo "TAP version 13"
for s in ntp sync-dirty; do
	check "$s: scriptinfo has all lines" eval "run 0 $s scriptinfo && has '^DR_SCRIPTINFO=.' &&
		has '^DR_VERSION=1$' && has '^DR_DATE=[0-9]{8}$' && has '^DR_VENDOR=.' && has '^DR_TIMEOUT=[0-9]+$'"
	check "$s: registers for pmig only" eval "run 0 $s register && [ \"\$(cat $dir/out)\" = DR_RESOURCE=pmig ]"
	check "$s: usage" run_and 0 "$s" usage has '^DR_USAGE=.'
	for c in checkmigrate premigrate postmigrate undopremigrate; do
		check "$s: $c prints lines of the contract only" run_and 0 "$s" $c only_contract_lines
	done
	check "$s: unknown command" eval "run 10 $s preacquire cpu && is_empty"
	check "$s: no command" eval "run 10 $s && is_empty"
	check "$s: information changes nothing" eval "run 0 $s scriptinfo && called ''"
	check "$s: checkmigrate changes nothing" run_and 0 "$s" checkmigrate called ''
done

check "ntp: premigrate" run_and 0 ntp premigrate called "-n offline"
check "ntp: postmigrate" run_and 0 ntp postmigrate called "$(printf '%s\n%s' '-n online' '-n burst 4/8')"
check "ntp: undopremigrate" run_and 0 ntp undopremigrate called "-n online"
fake chronyc 1 "506 Cannot talk to daemon"
check "ntp: chronyd is not running" run_and 0 ntp premigrate is_empty
cat > "$dir/chronyc" <<'END'
#!/bin/sh
[ "$2" = tracking ] || { echo "501 Not authorised"; exit 1; }
END
for c in premigrate postmigrate undopremigrate; do
	check "ntp: $c fails with a reason" run_and 1 ntp $c has '^DR_ERROR=chronyc .*Not authorised$'
done
CHRONYC=$dir/nothing
check "ntp: without chrony" run_and 0 ntp premigrate is_empty

check "sync-dirty: checkmigrate says how much" run_and 0 sync-dirty checkmigrate has '^DR_LOG_INFO=42 KiB'
check "sync-dirty: premigrate says how much" run_and 0 sync-dirty premigrate \
	has '^DR_LOG_INFO=.*42 KiB before, 42 KiB now'
check "sync-dirty: sync was called" [ -s "$dir/calls" ]
printf '#!/bin/sh\nexec sleep 60\n' > "$dir/sync"
SYNC_SECONDS=0.2
export SYNC_SECONDS
check "sync-dirty: a slow sync is left behind" run_and 0 sync-dirty premigrate has '^DR_LOG_WARNING='

for phase in check undocheck pre post; do
	PHASE=$phase DRC_TYPE=pmig ACTION=migrate DRC_COUNT=0
	export PHASE DRC_TYPE ACTION DRC_COUNT
	check "hooks/10-log: $phase" eval \
		"run 0 hooks/10-log && grep -Eq '^-t drmgr-hook pmig migrate $phase: load [0-9.]+, available [0-9]+ kB' $dir/calls"
done
fake logger 1
check "hooks/10-log: never refuses" run 0 hooks/10-log
check "hooks/10-log: with the environment it gets" \
	env -i PHASE=pre DRC_TYPE=pmig ACTION=migrate DRC_COUNT=0 LOGGER="$dir/logger" "$SCRIPTS/hooks/10-log"

echo "1..$nr"
exit $failed
