#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# divert.sh install ROOT FILE PRODUCT | uninstall ROOT FILE
#
# powerpc-utils has a drmgr, too, and ours runs it for what it does not do itself (cmd/divert.c). install puts
# PRODUCT at FILE and keeps what is there of somebody else's as FILE.powerpc-utils; uninstall puts that back. dpkg
# is told, where there is one, so that an update of powerpc-utils lands beside ours, too; it knows only the system
# that it runs on, so not about a ROOT.
set -eu

action=$1 root=${2%/} file=$3 product=${4:-}
target=$root$file
aside=$target.powerpc-utils

die() {
	echo "divert.sh: $*" >&2
	exit 1
}

exists() {
	[ -e "$1" ] || [ -L "$1" ]
}

# The name on the bus is in ours, and in nobody else's.
is_ours() {
	[ -f "$1" ] && grep -q 'org\.drmgr\.Manager1' "$1"
}

has_dpkg() {
	[ -z "$root" ] && [ -s /var/lib/dpkg/status ] && command -v dpkg-divert > /dev/null
}

divert() {
	case $(dpkg-divert --truename "$file") in
	"$file") dpkg-divert --quiet --local --no-rename --divert "$file.powerpc-utils" --add "$file" ;;
	"$file.powerpc-utils") ;;
	*) die "dpkg diverts $file to another place than $file.powerpc-utils: dpkg-divert --list $file" ;;
	esac
}

# A copy first: at no moment is there no drmgr. Without dpkg, what has been kept before is older: an update has
# overwritten ours since. With dpkg it is the package's, and not ours to delete.
keep_foreign() {
	if ! exists "$target" || is_ours "$target"; then
		return 0
	fi
	if ! cmp -s "$target" "$aside"; then
		cp -a "$target" "$aside.new"
		if has_dpkg; then
			mv -T --backup=numbered "$aside.new" "$aside"
		else
			mv -fT "$aside.new" "$aside"
		fi
	fi
}

put_ours() {
	install -m 755 "$product" "$target.new"
	mv -fT "$target.new" "$target"
}

undivert() {
	if [ "$(dpkg-divert --listpackage "$file")" = LOCAL ] &&
		[ "$(dpkg-divert --truename "$file")" = "$file.powerpc-utils" ]; then
		dpkg-divert --quiet --local --no-rename --remove "$file"
	fi
}

put_back() {
	if exists "$target" && ! is_ours "$target"; then
		has_dpkg || rm -f "$aside"
	elif exists "$aside"; then
		mv -fT "$aside" "$target"
	else
		rm -f "$target"
	fi
}

case $action in
install)
	if has_dpkg; then
		divert
	fi
	keep_foreign
	put_ours
	;;
uninstall)
	if has_dpkg; then
		undivert
	fi
	put_back
	;;
*) die "install or uninstall?" ;;
esac
