#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What drmgr says to bad input, and to a machine where it cannot do what it is asked: one line on
# stderr, a status of its own, and `drmgr status` is as it was.

n=0
failed=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"; systemctl unmask --runtime --quiet drmgrd; rm -f /etc/modprobe.d/no-pmig.conf' EXIT

status() { drmgr status | grep -v '^since:'; }

result() { # result OK TEXT
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
		sed 's/^/# /' "$dir/out" "$dir/err"
	fi
}

bad() { # bad STATUS COMMAND...
	want=$1
	shift
	"$@" > "$dir/out" 2> "$dir/err" < /dev/null
	got=$?
	lines=$(wc -l < "$dir/err")
	[ $got -eq "$want" ] && [ "$lines" -eq 1 ] && [ ! -s "$dir/out" ]
	result $? "$want, one line: $(echo "$*" | tr '\n' ' ') (is $got, $lines)"
}

same() { # same TEXT
	status > "$dir/out"
	[ "$(cat "$dir/before")" = "$(cat "$dir/out")" ]
	result $? "$1"
}

echo "TAP version 13"
: > "$dir/out"
: > "$dir/err"
# The first to ask starts the daemon, which may take longer on a loaded machine than drmgr waits.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	status > "$dir/before" 2> "$dir/err" && grep -q '^bus: connected$' "$dir/before" && break
	sleep 1
done
grep -q '^bus: connected$' "$dir/before"
result $? "the daemon answers"

# 65: the stream ID
bad 65 drmgr -m -c pmig -p pre
bad 65 drmgr -m -c pmig -p pre -s ""
bad 65 drmgr -m -c pmig -p pre -s 0x
bad 65 drmgr -m -c pmig -p pre -s 0x11112222333344445
bad 65 drmgr -m -c pmig -p pre -s -1
bad 65 drmgr -m -c pmig -p pre -s garbage
bad 65 drmgr -m -c pmig -p pre -s
# 64: usage
bad 64 drmgr
bad 64 drmgr -m -s 1
bad 64 drmgr -m -c pmig -p post -s 1
bad 64 drmgr -c pmig -p pre -s 1
bad 64 drmgr bogus
bad 64 drmgr --bogus
bad 64 drmgr migrate
bad 64 drmgr migrate --simulate --enabled-ms soon
bad 64 drmgr log -n -1
# 73, 74: what others do
bad 73 drmgr -c cpu -a -q 1
bad 74 drmgr -l
bad 74 drmgr -i script
same "nothing of it reached the daemon"

# 77: who
bad 77 setpriv --reuid=65534 --regid=65534 --clear-groups drmgr migrate --simulate
bad 77 setpriv --reuid=65534 --regid=65534 --clear-groups drmgr -m -c pmig -p check -s 1
setpriv --reuid=65534 --regid=65534 --clear-groups drmgr status > "$dir/out" 2> "$dir/err"
result $? "anyone may ask for the status"
same "nothing has changed"

# 75: when
drmgr migrate --simulate --enabled-ms 6000 --blackout-ms 10 > "$dir/first" 2>&1 &
first=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	[ "$(cat "$dir/before")" = "$(status)" ] || break
	sleep 0.1
done
bad 75 drmgr migrate --simulate
bad 75 drmgr -m -c pmig -p pre -s 0x1
wait $first
result $? "the first goes on: $(head -n 1 "$dir/first")"
status > "$dir/before"

# the original of powerpc-utils gets its arguments as they are
printf '#!/bin/sh\nfor a; do echo "<$a>"; done\nexit 17\n' > /usr/sbin/drmgr.powerpc-utils
chmod 755 /usr/sbin/drmgr.powerpc-utils
drmgr -c cpu -a -q 1 "two words" "" > "$dir/out" 2> "$dir/err"
[ $? -eq 17 ] && [ "$(tr -d '\n' < "$dir/out")" = "<-c><cpu><-a><-q><1><two words><>" ]
result $? "an operation of powerpc-utils goes to its drmgr"
rm -f /usr/sbin/drmgr.powerpc-utils

# 69: no daemon, no bus
bad 69 env DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent drmgr status
systemctl mask --runtime --quiet drmgrd
systemctl stop drmgrd
bad 69 drmgr status
mkdir -p /etc/drmgr
mv /etc/drmgr/drmgr.conf "$dir/conf"
printf '[drmgr]\nFallback=refuse\n' > /etc/drmgr/drmgr.conf
drmgr -m -c pmig -p check -s 0x1 2> "$dir/err"
[ $? -eq 69 ]
result $? "69, where the admin refuses to go on without drmgrd"
mv "$dir/conf" /etc/drmgr/drmgr.conf
drmgr -m -c pmig -p check -s 0x1 2> "$dir/err" && grep -q 'warning: nobody here was asked' "$dir/err"
result $? "without drmgrd a check passes, with a warning"
bad 69 drmgr migrate --simulate
# 72: no module
rmmod pmig_sim pmig 2> /dev/null
printf 'install pmig /bin/false\ninstall pmig_sim /bin/false\n' > /etc/modprobe.d/no-pmig.conf
systemctl unmask --runtime --quiet drmgrd
bad 72 drmgr migrate --simulate
rm -f /etc/modprobe.d/no-pmig.conf
systemctl restart drmgrd
drmgr status > "$dir/out" 2> "$dir/err"
result $? "the daemon is back"

echo "1..$n"
exit $failed
