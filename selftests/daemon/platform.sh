#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # functions are called by check
#
# Moves to servers with other caches, home nodes, processors and memory: what the hypervisor was told, sysfs, pmig.ko's rows,
# the uevent, drmgr, its log, and what applications are told or ask for are held against each other. Lists have lines
# "NAME|OLD|NEW|FLAGS". The guest is its own, and a pseries guest has two nodes.
# shellcheck source=selftests/daemon/lib.sh
. "$(dirname "$0")/lib.sh"

EXAMPLES=/usr/libexec/pmig/examples
RULES=/run/udev/rules.d
UNIT=/run/systemd/system/retune.service
UEVENTS=$DIR/uevents

if is_ppc; then ENGINE=pseries; else ENGINE=sim; fi

rows() { "$(dirname "$0")/rows" "$1" $ENGINE; }

# ---- the hypervisor

to_server() { # to_server ID KEY=VALUE...: keys of the lab, or files of pmig_sim
	id=$1
	shift
	if is_ppc; then
		hmc destination "$@" > $DIR/destination || cat $DIR/destination
		hmc stream "$id" enabled > /dev/null
		return
	fi
	rmdir $SIM/streams/* $SIM/destinations/test 2> /dev/null
	mkdir $SIM/destinations/test "$SIM/streams/$id"
	for file; do
		echo "${file#*=}" > "$SIM/destinations/test/${file%%=*}"
	done
	echo 1 > $SIM/destinations/test/live
	echo test > "$SIM/streams/$id/destination"
	echo "enabled suspending resumed:100 completed" > "$SIM/streams/$id/script"
	echo 1 > "$SIM/streams/$id/live"
}

migrate() { # migrate ID
	: > $UEVENTS
	: > $DIR/told
	drmgr -m -c pmig -p pre -s "$1" > $DIR/out 2> $DIR/err &
	job=$!
	wait_until state_is enabled
	state "$1" suspending
	wait $job
	same "it moves" 0 $?
	wait_until idle
	wait_until in_uevents "^completed "
}

# ---- who tells what has changed

in_uevents() { grep -q "$1" $UEVENTS; }

# "  NAME: OLD -> NEW, ..."
operator() {
	awk '/^  [^ ]+: .* -> / {
		unexpected = sub(/, unexpected$/, "") ? " unexpected" : ""
		stale = sub(/, the kernel still shows the old value$/, "") ? " stale" : ""
		name = $1
		sub(/:$/, "", name)
		sub(/^  [^ ]+: /, "")
		at = index($0, " -> ")
		old = substr($0, 1, at - 1)
		new = substr($0, at + 4)
		print name "|" (old == "(none)" ? "" : old) "|" (new == "(none)" ? "" : new) "|" stale unexpected
	}' | sort
}

# The log's fields; what has the message ID of what should have stayed, and is a warning, is unexpected.
journal() { # journal ID
	journalctl --sync
	journalctl --no-pager -o export "PMIG_STREAM=$1" MESSAGE_ID=7c1d5a0e4f7b4b62a3d1c09e6f21b5f2 \
		MESSAGE_ID=7c1d5a0e4f7b4b62a3d1c09e6f21b5f3 |
		awk 'function value() { return substr($0, index($0, "=") + 1) }
			/^PMIG_NAME=/ { name = value() }
			/^PMIG_OLD=/ { old = value() }
			/^PMIG_NEW=/ { new = value() }
			/^MESSAGE=/ { stale = /the kernel still has the old value/ ? " stale" : "" }
			/^MESSAGE_ID=/ { other = /f3$/ }
			/^PRIORITY=/ { warning = value() == 4 }
			/^$/ && name { print name "|" old "|" new "|" stale (other && warning ? " unexpected" : ""); name = "" }' |
		sort
}

application_was_told() { sed -n 's/^listener: change //p' $DIR/told | sort; }

# drmgr platform, not put together
platform() { # platform --diff|--stale
	drmgr platform "$1" --json | sed -nE -e 's/^[[ ]\{"section": "([^"]*)", "key": "([^"]*)", "field": /\1.\2./' \
		-e 's/"([^"]*)", "old": (.*), "new": (.*), "unit": .*, "stale": (.*), "unexpected": (.*)\}.*$/\1|\2|\3|\4,\5/' \
		-e 's/^([a-z]*)\.\./\1./' -e 's/"//g' -e 's/\|null\|/||/g' -e 's/\|true,/| stale,/' -e 's/\|false,/|,/' \
		-e 's/,false$//' -e 's/,true$/ unexpected/' -e '/\|/p' | sort
}

modules() { grep -E '^(identity|cpu|cache|memory)\.'; }
without_flags() { sed 's/|[a-z ]*$//'; }

sections() { # of the module's rows, as CHANGED has them
	rows changed > $DIR/changed
	for section in identity cpu cache memory; do
		! grep -q "^$section\." $DIR/changed || printf ' %s' $section
	done
}

all_tell_the_same() { # all_tell_the_same ID
	operator < $DIR/out > $DIR/operator
	check "  something differs" [ -s $DIR/operator ]
	drmgr status -s "$1" > $DIR/later
	same "  later, drmgr says the same" "$(cat $DIR/operator)" "$(operator < $DIR/later)"
	same "  so does its log" "$(cat $DIR/operator)" "$(journal "$1")"
	same "  so do applications" "$(cat $DIR/operator)" "$(application_was_told)"
	same "  drmgr platform --diff has pmig.ko's rows" "$(rows changed | sort)" "$(platform --diff | modules | without_flags | sort)"
	same "  the uevent has their sections" "completed$(sections)" "$(grep '^completed' $UEVENTS)"
}

# ---- what is true

told() { # told TABLE NAME|OLD|NEW...: of pmig.ko, as the hypervisor was told
	table=$1
	shift
	rows "$table" > $DIR/table
	for line; do
		grep -qx -e "$line" $DIR/table || { echo "no $line in:"; grep "^${line%%[|]*}" $DIR/table; return 1; }
	done
}

stale() { # stale NAME|OLD|NEW...: of drmgr
	platform --stale > $DIR/table
	for line; do
		grep -qx -e "$line| stale" $DIR/table || { echo "no $line in:"; cat $DIR/table; return 1; }
	done
}

kind() { case $(cat "$1/type") in Data) echo d ;; Instruction) echo i ;; esac; }

sysfs_caches() { # "l2@0 512": KiB
	for cache in /sys/devices/system/cpu/cpu[01]/cache/index*; do
		cpus=$(cat "$cache/shared_cpu_list")
		echo "l$(cat "$cache/level")$(kind "$cache")@${cpus%%[-,]*} $(sed 's/K$//' "$cache/size")"
	done | sort -u
}

row_caches() { rows now | sed -n 's/^cache\.\(.*\)\.size|.*|\(.*\)$/\1 \2/p' | awk '{ print $1, $2 / 1024 }' | sort -u; }

libdr_caches() {
	for cpu in 0 1; do
		$EXAMPLES/example-machine $cpu | sed -n -e 's/ data:/d:/' -e 's/ instructions:/i:/' -e 's/ unified:/:/' \
			-e 's/^L\([0-9]*[di]*\): \([0-9]*\) KiB.*shared by \([0-9]*\).*/l\1@\3 \2/p'
	done | sort -u
}

libdr_node() { $EXAMPLES/example-machine "$1" | sed -n 's/^home node: //p'; }
row_node() { rows now | sed -n "s/^cpu\.$1\.home-node|.*|//p"; }

module_stale() { rows stale > $DIR/modules; }

is_true() {
	same "  libdr has the home nodes" "$(row_node 0) $(row_node 1)" "$(libdr_node 0) $(libdr_node 1)"
	check "  pmig.ko tells what it knows to be stale" module_stale
	platform --stale | modules | without_flags > $DIR/all
	same "  drmgr platform --stale has all that pmig.ko knows to be stale" "" "$(grep -vxF -f $DIR/all $DIR/modules)"
	is_ppc || return 0 # the simulated hypervisor's machine is nowhere else
	same "  sysfs has the caches" "$(row_caches)" "$(sysfs_caches)"
	same "  libdr, too" "$(row_caches)" "$(libdr_caches)"
	hmc identity | tr ' ' '\n' > $DIR/identity
	for field in model system-id partition-no; do
		same "  $field is the server's" "$(sed -n "s/^$field=//p" $DIR/identity)" "$(drmgr platform --get identity.$field)"
	done
}

echo "TAP version 13"
mkdir -p $DIR $RULES
cp $EXAMPLES/90-machine-changed.rules $RULES
cat > $RULES/91-daemon-test.rules <<END
ACTION=="change", SUBSYSTEM=="pmig", RUN+="/bin/sh -c 'echo \$env{PMIG_EVENT} \$env{CHANGED} >> $UEVENTS'"
END
printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo retuned >> %s"\n' $SEEN > $UNIT
udevadm control --reload
systemctl daemon-reload
hypervisor
is_ppc || mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
fresh_daemon
systemd-run --quiet --collect --unit=test-listener sh -c "exec $MEMBER listener changes >> $DIR/told"
# shellcheck disable=SC2034 # lib.sh ends it
UNITS=test-listener
wait_until applications_are 1
drmgr status > /dev/null

# An L2 that goes
if is_ppc; then
	block=$(rows now | sed -n 's/^memory\.\(0x[0-9a-f]*\)\.home-node.*/\1/p' | tail -n 1)
	pvr=$(drmgr platform --get cpu.pvr)
	to_server 0xda18 d-cache=0x10000 l2=gone clock=3000000000 home-nodes=swap lmb-associativity=swap pvr=0x801234
	migrate 0xda18
	same "it was a move" kind=move "$(hmc stat 0xda18 | tr ' ' '\n' | grep '^kind=')"
	all_tell_the_same 0xda18
	check "pmig.ko tells what the hypervisor was told" told changed "cache.l1d@0.size|32768|65536" "cache.l2@0.size|524288|" \
		"cache.l2@1.size|524288|" "cpu.0.home-node|0|1" "cpu.1.home-node|1|0" "cpu.pvr|$pvr|0x801234" \
		"cpu.clock-frequency|1000000000|3000000000" "memory.$block.home-node|1|0"
	is_true
	check "what is stale" stale "cache.l1d@0.size|32768|65536" "cpu.0.home-node|0|1" "cpu.1.home-node|1|0" \
		"memory.$block.home-node|1|0" "cpu.0.cpuinfo-pvr|$pvr|0x801234"
else
	to_server 0xda18 model=IBM,T1 lpar_id=11 l1d_size=65536 l2_size=0 home_shift=1 pvr=0x801234 clock_hz=3100000000
	migrate 0xda18
	all_tell_the_same 0xda18
	check "pmig.ko tells what the hypervisor was told" told changed "cache.l1d@0.size|32768|65536" "cache.l2@0.size|524288|" \
		"cpu.0.home-node|0|1" "cpu.pvr|0x[0-9a-f]*|0x801234" "memory.0x0.home-node|0|1" \
		"cpu.clock-frequency|3000000000|3100000000" "identity.model|.*|IBM,T1" "identity.partition-no|.*|11"
	is_true
	check "what is stale" stale "cache.l1d@0.size|32768|65536" "cpu.0.home-node|0|1" "memory.0x0.home-node|0|1"
fi
check "the example of a udev rule starts its unit" wait_until has_seen retuned

# An L4 that comes; and a partition has its name wherever it is
: > $SEEN
if is_ppc; then
	to_server 0xda19 l2=0x100000 l3=0x800000 l4=0x4000000 home-nodes=own lmb-associativity=own \
		update=/:ibm,partition-name:6f7468657200
	migrate 0xda19
	all_tell_the_same 0xda19
	check "pmig.ko tells what the hypervisor was told" told changed "cache.l2@0.size||1048576" "cache.l3@1.size||8388608" \
		"cache.l4@0.size||67108864" "cpu.0.home-node|1|0" "memory.$block.home-node|0|1"
	check "what should have stayed is a warning" grep -q '^identity\.partition-name|.*|other| unexpected$' $DIR/operator
else
	to_server 0xda19 model=IBM,T2 l2_size=1048576 l4_size=67108864 home_shift=0
	migrate 0xda19
	all_tell_the_same 0xda19
	check "pmig.ko tells what the hypervisor was told" told changed "cache.l2@0.size||1048576" "cache.l4@0.size||67108864" \
		"cpu.0.home-node|1|0" "memory.0x0.home-node|1|0" "identity.model|IBM,T1|IBM,T2"
fi
is_true

wait_until has_seen retuned

# The hypervisor goes on placing the partition.
: > $SEEN
mark_log
busctl monitor "--match=type='signal',member='PlatformChanged'" > $DIR/bus 2>&1 &
monitor=$!
wait_until grep -q "Monitoring" $DIR/bus
if is_ppc; then hmc home-nodes swap > /dev/null; else echo 1 > $SIM/home_shift; fi
check "home nodes that change later are a uevent" $AWAIT line $UEVENTS "changed $(is_ppc && echo cpu || echo cpu memory)"
wait_until logged "^cpu.*home-node: was"
wait_until grep -q home-node $DIR/bus
kill $monitor
check "  and in drmgr platform" told changed "cpu.0.home-node|0|1"
same "  as pmig.ko has it" "$(rows changed | sort)" "$(platform --diff | modules | without_flags | sort)"
check "  for which the rule starts its unit again" wait_until has_seen retuned
is_true

rm -f $RULES/90-machine-changed.rules $RULES/91-daemon-test.rules $UNIT
udevadm control --reload
systemctl daemon-reload
finish
