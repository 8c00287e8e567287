#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs as an admin does ("make install" with no more said), starts bus and daemon from where they landed, and
# takes everything away again. The root is this machine's, with a layer on top that nobody else sees and that goes
# with this program; the bus is one of its own, with Debian's configuration and the policy as installed.
#
# TAP on stdout; what needs more rights than there are is skipped, with the reason. Exit status: 0 passed, 1 failed.

TOP=$(cd "$(dirname "$0")/../.." && pwd)
OUT=$(realpath -m "${O:-$TOP/build}")/install
DRMGR=/usr/sbin/drmgr
ASIDE=/usr/sbin/drmgr.powerpc-utils
CONF=/etc/drmgr/drmgr.conf
DEADLINE=60 # seconds, for what takes none

# shellcheck source=selftests/install/lib.sh
. "$TOP/selftests/install/lib.sh"
tests=${TESTS:-0} failures=${FAILURES:-0}

end() {
	echo "1..$tests"
	[ "$failures" = 0 ]
	exit
}

skip_rest() {
	tests=$((tests + 1))
	echo "ok $tests - installed into a root of its own # SKIP $*"
	end
}

# until_true COMMAND... : waits for a state, with a deadline
until_true() {
	local end=$((SECONDS + DEADLINE))

	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { "$@"; return 1; }
		sleep 0.1
	done
}

# exits STATUS COMMAND...
exits() {
	local want=$1 is=0
	shift

	"$@" || is=$?
	[ $is = "$want" ] || { echo "$*: exit status $is, not $want"; return 1; }
}

not() {
	! "$@"
}

inside() {
	chroot "$R" /usr/bin/env -i PATH=/tmp/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"
}

ordinary() {
	inside setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

admin_make() {
	inside make -s -C "$TOP" "O=$OUT" WERROR=1 "$@"
}

# ---- the root ----

make_root() {
	local dir

	mount -t tmpfs none "$W" && mkdir "$W/layer" "$W/work" "$R" &&
		mount -t overlay -o "lowerdir=/,upperdir=$W/layer,workdir=$W/work" overlay "$R" &&
		mount -t proc proc "$R/proc" && mount --rbind /dev "$R/dev" || return 1
	for dir in run tmp; do
		mount -t tmpfs none "$R/$dir" || return 1
	done
	for dir in "$TOP" "$OUT"; do
		mkdir -p "$R$dir" && mount --bind "$dir" "$R$dir" || return 1
	done
}

# What a checkout that is installed on this machine has left
clean_root() {
	admin_make uninstall-userland > /dev/null 2>&1
	rm -rf "$R/etc/drmgr" "$R$DRMGR" "$R$ASIDE"
}

# foreign_package VERSION : powerpc-utils as far as we meet it
foreign_package() {
	local dir=$R/tmp/package-$1

	mkdir -p "$dir/DEBIAN" "$dir/usr/sbin"
	printf 'Package: pmig-test-powerpc-utils\nVersion: %s\nArchitecture: all\nMaintainer: x <x@localhost>\nDescription: x\n' \
		"$1" > "$dir/DEBIAN/control"
	printf '#!/bin/sh\nprintf "original %s:"\nprintf "<%%s>" "$@"\nexit 17\n' "$1" > "$dir$DRMGR"
	chmod 755 "$dir$DRMGR"
	dpkg-deb -b "$dir" "$dir.deb" > /dev/null &&
		inside dpkg --force-bad-path -i "/tmp/package-$1.deb"
}

# What the layer holds: what was put there, and what is missing of the machine's own. Directories are looked at
# where they are ours alone; what ldconfig and dpkg write for themselves is not.
list() {
	(cd "$W/layer" && find . ! -type d -printf '%p %y %m %U %G %s %l\n' -o -name '*drmgr*' -printf '%p %y %m %U %G\n' \
		-o -name '*pmig*' -printf '%p %y %m %U %G\n') |
		grep -Ev '^\./(etc/ld\.so\.cache|var/(lib/dpkg|log|cache)/|(srv/root/)?etc/drmgr\.d[ /])' | sort
}

same_list() {
	diff "$1" "$2"
}

# ---- what is looked at ----

is_original() {
	[ "$(inside "$1" x)" = "original $2:<x>" ]
}

is_ours() {
	inside "$1" --version | grep '^drmgr '
}

arguments_untouched() {
	local out status=0

	out=$(inside $DRMGR -c slot -s 'a b' '' "-x=*") || status=$?
	[ $status = 17 ] && [ "$out" = 'original 1:<-c><slot><-s><a b><><-x=*>' ] || { echo "$status: $out"; return 1; }
}

# original_from DRMGR VERSION : ours runs it
original_from() {
	[ "$(inside "$1" -c slot)" = "original $2:<-c><slot>" ]
}

update_lands_aside() {
	foreign_package 2 && is_original $ASIDE 2 && is_ours $DRMGR
}

update_lands_back() {
	foreign_package 3 && is_original $DRMGR 3
}

mode_is() {
	[ "$(stat -c %a "$2")" = "$1" ] || { stat -c '%n %a' "$2"; return 1; }
}

# refused WHY ARG... : make says so
refused() {
	local why=$1 out
	shift

	out=$(admin_make "$@" 2>&1) && { echo "make $* succeeds"; return 1; }
	echo "$out"
	grep -q "$why" <<< "$out"
}

admins_conf() {
	[ "$(cat "$R$CONF")" = "$SETTINGS" ]
}

# As systemd would
start_daemon() {
	local unit=/usr/lib/systemd/system/drmgrd.service start

	start=$(inside sed -n 's/^ExecStart=//p' "$unit") && [ -n "$start" ] || return 1
	mkdir -p "$R/run/drmgr"
	inside "$start" > "$W/drmgrd.log" 2>&1 &
	until_true inside $DRMGR status || { cat "$W/drmgrd.log"; return 1; }
	inside $DRMGR status
}

start_bus() {
	mkdir -p "$R/run/dbus"
	inside dbus-daemon --system --fork
}

call_bus() {
	inside dbus-send --system --print-reply --dest=org.freedesktop.DBus / "org.freedesktop.DBus.$1"
}

activatable() {
	call_bus ListActivatableNames | grep '"org.drmgr"'
}

name_is_roots() {
	local pid status=0

	mkdir -m 777 "$R/tmp/denied"
	ordinary timeout $DEADLINE /usr/sbin/drmgrd --run-dir /tmp/denied > "$W/denied.log" 2>&1 &
	pid=$!
	until_true grep 'does not give us the name org.drmgr: Permission denied' "$W/denied.log" || status=1
	cat "$W/denied.log"
	kill $pid
	rm -r "$R/tmp/denied" "$W/denied.log"
	return $status
}

# The daemon would refuse most of it, too: the bus is asked for what the daemon tells everyone.
closed_to_others() {
	local out

	out=$(ordinary dbus-send --system --print-reply --dest=org.drmgr /org/drmgr \
		org.freedesktop.DBus.Properties.GetAll string:org.drmgr.Manager1 2>&1)
	echo "$out"
	grep 'Rejected send message' <<< "$out"
}

application_registers() {
	ordinary /usr/libexec/pmig/examples/example-fd > "$W/app.log" 2>&1 &
	until_true eval 'inside $DRMGR status | grep -x "applications: 1"' || { cat "$W/app.log"; return 1; }
}

compiles_against_it() {
	printf '#include <dr.h>\nint main(void) { dr_client *c; return dr_open(&c, NULL) == 0; }\n' > "$R/tmp/app.c"
	# shellcheck disable=SC2016 # expanded inside
	inside sh -c 'gcc -Werror -o /tmp/app /tmp/app.c $(pkg-config --cflags --libs libdr) && ldd /tmp/app' |
		grep 'libdr.so.1 => /'
}

unit_is_valid() {
	local out

	# A key that it does not know is a warning, and its exit status is 0.
	out=$(inside systemd-analyze --man=no verify drmgrd.service drmgrd.socket 2>&1) || { echo "$out"; return 1; }
	not grep 'drmgrd\.' <<< "$out"
}

# Nobody is given up: no limit to how often it is tried.
always_tried() {
	grep -x 'StartLimitIntervalSec=0' "$R/usr/lib/systemd/system/drmgrd.service" &&
		grep -x 'Restart=on-failure' "$R/usr/lib/systemd/system/drmgrd.service"
}

# As at boot
lock_is_roots() {
	inside sh -c 'mkdir -m 1777 /run/lock && systemd-tmpfiles --create drmgr.conf' &&
		[ "$(stat -c '%a %u %F' "$R/run/lock/dr_config_lock")" = "600 0 regular empty file" ]
}

# What systemd does, when the bus starts the daemon as soon as it is gone: as long as the unit was there when systemd
# last looked.
make_systemd() {
	mkdir -p "$R/tmp/bin" "$R/run/systemd/system"
	touch "$R/run/systemd/known" "$R/run/systemd/running"
	cat > "$R/tmp/bin/systemctl" <<- 'EOF'
		#!/bin/sh
		cd /run/systemd
		case $1 in
		daemon-reload)
			touch reloaded
			[ -e /usr/lib/systemd/system/drmgrd.service ] || rm -f known
			;;
		try-restart) [ ! -e reloaded ] || [ ! -e running ] || touch restarted ;;
		disable | stop) [ -e known ] || rm -f running ;;
		esac
	EOF
	chmod 755 "$R/tmp/bin/systemctl"
}

stopped() {
	[ ! -e "$R/run/systemd/known" ] && [ ! -e "$R/run/systemd/running" ]
}

# What kbuild does for a module, in a package's headers: there is no System.map, so no depmod; the module's directory
# has the name in utsrelease.h; KBUILD_OUTPUT is where the kernel was built, unless O= says so; ARCH= would mean something.
make_headers() {
	local dir=$R/tmp/headers

	mkdir -p "$dir/include/generated" "$dir/include/config" "$R$DIR/lib/modules/$RELEASE"
	echo "#define UTS_RELEASE \"$RELEASE\"" > "$dir/include/generated/utsrelease.h"
	echo 5.4.0 > "$dir/include/config/kernel.release"
	cat > "$dir/Makefile" <<- 'EOF'
		KBUILD_OUTPUT = /tmp/headers
		ifeq ($(origin O),command line)
		KBUILD_OUTPUT := $(O)
		endif
		ifeq ($(wildcard $(KBUILD_OUTPUT)/include/generated/utsrelease.h),)
		$(error O=$(O): no kernel was built there)
		endif
		ifneq ($(origin ARCH),undefined)
		$(error ARCH=$(ARCH) is not for kbuild)
		endif
		modules: ; test -f $(M)/Kbuild && gcc -c -x c /dev/null -o pmig.ko
		modules_install: ; install -D pmig.ko $(INSTALL_MOD_PATH)/lib/modules/5.4.0-0-test/extra/pmig.ko
	EOF
}

lists_module() {
	grep '^extra/pmig\.ko:' "$R$DIR/lib/modules/$RELEASE/modules.dep"
}

unlisted() {
	[ -f "$R$DIR/lib/modules/$RELEASE/modules.dep" ] && ! lists_module
}

# ---- the tests ----

test_admin() {
	it "a distribution's drmgr is there" foreign_package 1
	mkdir -p "$R/etc/drmgr"
	SETTINGS=$'[drmgr]\nWithoutModule=post'
	echo "$SETTINGS" > "$R$CONF"
	rm -rf "$R/etc/drmgr.d"
	mkdir -p "$R/etc/drmgr.d/pmig" && chmod 700 "$R/etc/drmgr.d/pmig"
	list > "$W/before"

	it "make install with a space in DESTDIR= does nothing" refused "DESTDIR= has a space" install-userland "DESTDIR=/a b"
	list > "$W/refused"
	it "... at all" same_list "$W/before" "$W/refused"
	it "make install" admin_make install-userland PREFIX=/usr/
	it "a directory that was there keeps its mode" mode_is 700 "$R/etc/drmgr.d/pmig"
	list > "$W/installed"
	it "drmgr is ours" is_ours $DRMGR
	it "the distribution's is kept" is_original $ASIDE 1
	it "its operations reach it, arguments and exit status untouched" arguments_untouched
	it "the admin's settings are kept" admins_conf
	it "a second make install" admin_make install-userland
	list > "$W/again"
	it "... changes nothing" same_list "$W/installed" "$W/again"
	it "an update of the distribution's lands beside ours" update_lands_aside
	it "systemd takes the unit" unit_is_valid
	it "systemd never gives up to start the daemon" always_tried
	it "the DLPAR lock is root's alone from the boot on" lock_is_roots
	it "a program compiles against libdr as installed" compiles_against_it
	test_started
	it "make uninstall without a compiler has to be told where libraries are" \
		refused "none-gcc is not here" uninstall-userland CROSS_COMPILE=none-
	it "... and takes nothing away" inside test -e $DRMGR -a -e /usr/include/dr.h
	make_systemd
	it "make install, and the daemon runs" admin_make install-userland
	it "... restarts it, when the new unit has been read" inside test -e /run/systemd/restarted
	it "make uninstall, and somebody always wants the daemon" admin_make uninstall-userland
	it "... leaves none running" stopped
	rm -r "$R/tmp/bin" "$R/run/systemd"
	it "... puts the distribution's back" is_original $DRMGR 2
	it "... and an update of it lands there again" update_lands_back
	list > "$W/after"
	it "... and all is as it was" same_list "$W/before" "$W/after"
}

test_started() {
	it "a bus takes the policy" start_bus
	it "the bus can start the daemon" activatable
	it "nobody else takes the daemon's name" name_is_roots
	it "drmgrd starts, drmgr status answers" start_daemon
	it "an ordinary user may ask for the status" ordinary $DRMGR status
	it "... and may not migrate" exits 77 ordinary $DRMGR migrate --simulate
	it "... nor check" exits 77 ordinary $DRMGR -m -c pmig -p check -s 0x1
	it "... nor call what the policy does not name" closed_to_others
	it "... but register an application" application_registers
}

# kept NAME... : these copies are beside drmgr
kept() {
	local is

	is=$(cd "$R$DIR/usr/sbin" && find . -name 'drmgr.*' -printf '%f ')
	[ "$is" = "${*:+$* }" ] || { echo "$is"; return 1; }
}

# Nothing is diverted then, and powerpc-utils' own stays where it is.
test_prefix() {
	local with=(PREFIX=/usr/local "O=$OUT/prefix")

	it "PREFIX=/usr/local: make install" admin_make install-userland "${with[@]}"
	it "PREFIX=/usr/local: the distribution's stays" is_original $DRMGR 3
	it "PREFIX=/usr/local: its operations reach it" original_from /usr/local/sbin/drmgr 3
	inside ln -sf /usr/local/sbin/drmgr $DRMGR
	it "PREFIX=/usr/local: drmgr does not run itself" exits 73 inside timeout $DEADLINE /usr/local/sbin/drmgr -c slot
	it "PREFIX=/usr/local: make uninstall" admin_make uninstall-userland "${with[@]}"
}

# foreign_file VERSION : the same where nobody keeps lists of files
foreign_file() {
	rm -f "$R$DIR$DRMGR"
	printf '#!/bin/sh\nprintf "original %s:"\nprintf "<%%s>" "$@"\n' "$1" > "$R$DIR$DRMGR"
	chmod 755 "$R$DIR$DRMGR"
}

# Without dpkg, or into another root: twice, so that what is kept is the distribution's and not our own.
test_elsewhere() {
	local where=$1
	shift

	foreign_file 3
	list > "$W/before"
	it "$where: make install" admin_make install-userland "$@"
	it "$where: make install again" admin_make install-userland "$@"
	it "$where: the distribution's is kept" is_original "$DIR$ASIDE" 3
	it "$where: make uninstall" admin_make uninstall-userland "$@"
	list > "$W/after"
	it "$where: ... which leaves all as it was" same_list "$W/before" "$W/after"
	admin_make install-userland "$@"
	foreign_file 4
	it "$where: make install over an update of the distribution's" admin_make install-userland "$@"
	it "$where: the update is kept" is_original "$DIR$ASIDE" 4
	it "$where: and nothing else is" kept "${ASIDE##*/}"
	foreign_file 5
	it "$where: make uninstall after another update" admin_make uninstall-userland "$@"
	it "$where: ... which stays" is_original "$DIR$DRMGR" 5
	it "$where: ... alone" kept
}

test_modules() {
	local with=(KDIR=/tmp/headers "DESTDIR=$DIR") RELEASE=5.4.0-0-test

	make_headers
	it "modules, of no kernel: make install-modules" admin_make install-modules "${with[@]}"
	it "... does not list ours alone" not ls "$R$DIR/lib/modules/$RELEASE/modules.dep"
	touch "$R$DIR/lib/modules/$RELEASE/modules.builtin" "$R$DIR/lib/modules/$RELEASE/modules.order"
	it "modules, of a kernel: make install-modules" admin_make install-modules "${with[@]}"
	it "... lists them" lists_module
	it "make uninstall-modules" admin_make uninstall-modules "DESTDIR=$DIR"
	it "... takes them off the list" unlisted
	it "... and away" not ls "$R$DIR/lib/modules/$RELEASE/extra/pmig.ko"
}

main() {
	local out

	R=$W/root
	out=$(make_root 2>&1) || skip_rest "${out##*$'\n'}"
	clean_root
	test_admin
	test_prefix
	DIR=''
	rm -rf "$R/etc/drmgr"
	mount -t tmpfs none "$R/var/lib/dpkg"
	test_elsewhere "no dpkg"
	DIR=/srv/root
	mkdir -p "$R$DIR/usr/sbin"
	test_elsewhere "DESTDIR" "DESTDIR=$DIR"
	test_modules
	end
}

if [ "${1:-}" = inside ]; then
	main
fi
it "the userland builds without a warning" make -s -j2 -C "$TOP" userland "O=$OUT" WERROR=1
it "it needs nothing newer than it says" "$TOP/selftests/install/versions.sh" "$OUT"
[ "$failures" = 0 ] || end
[ "$(id -u)" = 0 ] || skip_rest "only root can install"
why=$(unshare --mount --pid --fork --kill-child true 2>&1) || skip_rest "$why"
W=$(mktemp -d)
trap 'rmdir "$W"' EXIT
export W TESTS=$tests FAILURES=$failures
unshare --mount --pid --fork --kill-child "$0" inside
