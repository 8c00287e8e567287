#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each command line of compare.table, once to powerpc-utils' own drmgr and once to ours, which has it diverted as `make
# install` does: exit status and stdout are the same, or the table says in what they differ and why. What it says that is
# not so any more is a failure, too. At the end all differences are printed.

dir=/run/compare
utils=/opt/powerpc-utils
lib=$utils/usr/lib/powerpc64le-linux-gnu
diverted=/usr/sbin/drmgr.powerpc-utils
hook=/etc/drmgr.d/pmig/50-refuses
table=$(dirname "$0")/compare.table
id=0xc0de
# shellcheck disable=SC2034 # for the table
long=$(printf %4000s '' | tr ' ' x) none=
n=0
failed=0

finish() {
	rm -rf $diverted $hook
	systemctl unmask --runtime --quiet drmgrd
	umount /sys/bus/pci/slots /proc/powerpc
	rm -rf $dir
}

result() { # result STATUS TEXT
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}

# Debian 12's C library is older than the one that it was built with.
put_original() {
	cat > $dir/original <<-END
		#!/bin/sh
		echo original >> $dir/who
		exec $lib/ld64.so.2 --argv0 drmgr --library-path $lib $utils/usr/sbin/drmgr "\$@"
	END
	chmod 755 $dir/original
	ln -sf $dir/original $diverted
}

# ---- what is prepared before a command line

# What the original has moved is another's migration to our daemon, which tells everyone POST.
is_idle() { drmgr status | grep -qx 'state: idle'; }

wait_until_idle() {
	tries=0
	until is_idle || [ $tries -ge 300 ]; do
		tries=$((tries + 1))
		sleep 0.2
	done
}

begin_stream() { # begin_stream STATE: it is Enabled, and soon that
	hmc in-place blackout-ms=50 resumed-ms=50 > /dev/null
	hmc stream $id enabled > /dev/null
	hmc after 200 stream $id "$1" > /dev/null
}

prepare() { # prepare SETUP WHOSE
	[ "$2" = original ] || wait_until_idle
	: > $dir/who
	chmod 666 $dir/who
	case $1 in
	*alone*) [ "$2" = original ] || rm -f $diverted ;;
	esac
	case $1 in
	no-daemon*) [ "$2" = original ] || { systemctl mask --runtime --quiet drmgrd && systemctl stop drmgrd; } ;;
	refusal)
		mkdir -p ${hook%/*}
		printf '#!/bin/sh\n[ $PHASE = check ] || exit 0\necho "not today"\nexit 1\n' > $hook
		chmod 755 $hook
		;;
	file) echo "xyz 1234" > $dir/file ;;
	esac
	case $1 in
	*stream) begin_stream suspending ;;
	rejected)
		begin_stream suspending
		hmc reject -9000 9 > /dev/null
		;;
	esac
}

tidy() { # tidy SETUP
	case $1 in
	*stream) hmc gone $id > /dev/null ;;
	rejected) hmc gone $id > /dev/null && hmc reject 0 0 > /dev/null ;;
	esac
	case $1 in
	*alone*) put_original ;;
	refusal) rm -f $hook ;;
	esac
	case $1 in
	no-daemon*) systemctl unmask --runtime --quiet drmgrd ;;
	esac
}

# ---- one command line

run() { # run SETUP WHOSE PROGRAM ARGUMENTS...: its exit status in $status, its output in $dir/WHOSE.*
	setup=$1 whose=$2
	shift 2
	prepare "$setup" "$whose"
	[ "$setup" != nobody ] || set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	timeout 60 "$@" > $dir/$whose.out 2> $dir/$whose.err < /dev/null
	status=$?
	tidy "$setup"
}

# What differs on stdout: of two lines in the form of -C with the same fields, the fields that do
names() { sed 's/=[^,]*//g' "$1"; }

stdout_difference() {
	if busybox cmp -s $dir/original.out $dir/ours.out; then
		return
	fi
	if ! grep -q '^cpu_dlpar=' $dir/ours.out || [ "$(names $dir/original.out)" != "$(names $dir/ours.out)" ]; then
		echo stdout
		return
	fi
	tr , '\n' < $dir/original.out > $dir/fields
	# shellcheck disable=SC2046 # one word each
	echo $(tr , '\n' < $dir/ours.out | grep -vxFf $dir/fields | sed 's/=.*//')
}

compare() { # compare SETUP ARGUMENTS...: in what they differ, in $difference; who got it, in $who
	setup=$1
	shift
	run "$setup" original $dir/original "$@"
	difference="$status"
	run "$setup" ours drmgr "$@"
	who=ours
	[ ! -s $dir/who ] || who=original
	[ "$status" = "$difference" ] && difference='' || difference="$difference->$status"
	stdout=$(stdout_difference)
	difference="$difference${difference:+${stdout:+ }}$stdout"
	difference=${difference:-same}
}

show() {
	for file in original.out original.err ours.out ours.err; do
		sed "s/^/#   $file: /" $dir/$file | cut -c 1-200 | head -n 6
	done
}

row() { # row SETUP ARGUMENTS WHO DIFFERENCE REASON
	eval "set -- \"\$1\" \"\$3\" \"\$4\" \"\$5\" \"\$2\" $2"
	setup=$1 want_who=$2 want=$3 reason=$4 words=$5
	shift 5
	compare "$setup" "$@"
	[ "$who" = "$want_who" ] && [ "$difference" = "$want" ]
	ok=$?
	[ $ok -eq 0 ] || echo "# got by $who, and not $want_who; $difference, and not $want"
	[ $ok -eq 0 ] || show
	result $ok "$setup: drmgr $words"
	[ "$difference" = same ] ||
		printf '# %s: drmgr %s\n#   %s: %s\n' "$setup" "$words" "$difference" "$reason" >> $dir/differences
}

[ -x $utils/usr/sbin/drmgr ] || { echo "1..0 # SKIP there is no powerpc-utils here"; exit 4; }
echo "TAP version 13"
mkdir -p $dir
chmod 755 $dir
trap finish EXIT
# What rpadlpar_io makes, which the lab's guests do not have
mount -t tmpfs none /sys/bus/pci/slots
mkdir /sys/bus/pci/slots/control
touch /sys/bus/pci/slots/control/add_slot /sys/bus/pci/slots/control/remove_slot
# What PowerVM says, and QEMU does not
mount -t tmpfs none /proc/powerpc
printf 'partition_entitled_capacity=100\nentitled_memory=1\nslb_size=32\n' > /proc/powerpc/lparcfg
put_original
echo "# powerpc-utils $(cat $utils/version)"
while IFS=$(printf '\t') read -r setup arguments who difference reason; do
	case $setup in
	'#'* | '') continue ;;
	esac
	row "$setup" "$arguments" "$who" "$difference" "$reason" < /dev/null
done < "$table"
echo "# Differences from powerpc-utils $(cat $utils/version):"
cat $dir/differences
echo "1..$n"
exit $failed
