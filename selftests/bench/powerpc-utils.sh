#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's powerpc-utils with all it is linked with, as a small root to chroot into: what the figure
# quiesced-powerpc-utils is measured with. Prints "DIRECTORY:/opt/powerpc-utils", for LAB_EXTRA=.
cd "$(dirname "$0")/../lab" || exit 1
# shellcheck source=/dev/null
. setup/common.sh
# shellcheck source=/dev/null
. setup/apt.sh

fetch_utils() {
	rm -rf "$2"
	download_closure "$1" "$2" powerpc-ibm-utils bash coreutils busybox-static
}

make_utils() {
	local tmp=$1

	# The same version; after a point release a port's mirror may lack for days what the index of trixie names.
	with_apt trixie ppc64el deb fetch_utils "$tmp/debs" || with_apt sid ppc64el deb fetch_utils "$tmp/debs" || return 1
	unpack_packages "$tmp/root" "$tmp"/debs/*.deb || return 1
	dpkg-deb -f "$tmp"/debs/powerpc-ibm-utils_*.deb Version > "$tmp/root/version" || return 1
	ln -sf bash "$tmp/root/usr/bin/sh"
	rm -rf "$tmp/debs" "$tmp"/root/usr/share/{doc,man,locale,info} "$tmp"/root/usr/lib/*/gconv \
		"$tmp"/root/usr/lib/*/perl* "$tmp"/root/usr/share/perl*
}

dir=$(product powerpc-utils "$(key_of "$(cat ../bench/powerpc-utils.sh)" setup/apt.sh)" make_utils) || exit 1
echo "$dir/root:/opt/powerpc-utils"
