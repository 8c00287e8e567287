# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's powerpc-utils, whose drmgr ours is compared with, with all it is linked with: root/, to chroot into.

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

setup_utils() {
	product_or_cached powerpc-utils "$(key_of make_utils fetch_utils unpack_packages)" make_utils
}

# install_utils PAYLOAD : its drmgr and what that needs to run, where the bench has all of it; the guest's own C library
# is older
install_utils() {
	local root to=$1/opt/powerpc-utils name

	root=$(job_output utils)/root
	mkdir -p "$to/usr/sbin" "$to/usr/lib/powerpc64le-linux-gnu"
	cp "$root/version" "$to/"
	cp "$root/usr/sbin/drmgr" "$to/usr/sbin/"
	for name in ld64.so.2 libc.so.6 librtas.so.2 libnuma.so.1; do
		cp "$root/usr/lib/powerpc64le-linux-gnu/$name" "$to/usr/lib/powerpc64le-linux-gnu/"
	done
}
