# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel "debug": Debian's 6.1 source for ppc64le with KASAN, lockdep, kmemleak and the like, small, made on
# demand only (about 12 minutes of one processor). allnoconfig plus debug/*.config; a line that Kconfig drops
# without a word is an error here.

fetch_linux_source() {
	rm -rf "$2"
	download_packages "$1" "$2" linux-source-6.1
}

make_debug_config() {
	local tmp=$1 line

	mkdir -p "$tmp/headers"
	cat "$LAB_DIR"/setup/debug/*.config > "$tmp/headers/all.config"
	kernel_make "$tmp" KCONFIG_ALLCONFIG="$tmp/headers/all.config" allnoconfig || return 1
	grep '^CONFIG_.*=[^n]' "$tmp/headers/all.config" | while read -r line; do
		grep -qxF "$line" "$tmp/headers/.config" || { say "Kconfig dropped $line"; return 1; }
	done
}

kernel_make() {
	local tmp=$1
	shift

	quietly make -s -C "$tmp/src" O="$tmp/headers" ARCH=powerpc CROSS_COMPILE=powerpc64le-linux-gnu- \
		CC=powerpc64le-linux-gnu-gcc-12 KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=lab \
		KBUILD_BUILD_HOST=lab "-j$JOBS" "$@"
}

# What an external module needs stays: the output tree without objects, the source without what is built from it
trim_debug() {
	local tmp=$1 release=$2

	mv "$tmp/headers/vmlinux" "$tmp/vmlinux"
	find "$tmp/headers" -name '*.o' ! -name crtsavres.o ! -path '*/scripts/*' -delete
	rm -rf "$tmp"/src/{drivers,fs,net,sound,Documentation,tools,samples,crypto,mm,block}
	grep -rlF "$tmp" "$tmp/headers" --include=Makefile | xargs -r sed -i "s#$tmp#$PRODUCT_DIR#g"
	ln -sfn "$PRODUCT_DIR/src" "$tmp/headers/source"
	mkdir -p "$tmp/modules/$release"
	cp "$tmp/headers"/modules.{builtin,builtin.modinfo,order} "$tmp/modules/$release/"
}

make_debug_kernel() {
	local tmp=$1 release

	with_apt bookworm amd64 deb fetch_linux_source "$tmp/debs" || return 1
	mkdir "$tmp/src"
	dpkg-deb --fsys-tarfile "$tmp"/debs/*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz |
		tar -xJ -C "$tmp/src" --strip-components=1 || return 1
	make_debug_config "$tmp" || return 1
	kernel_make "$tmp" vmlinux modules || return 1
	release=$(cat "$tmp/headers/include/config/kernel.release")
	trim_debug "$tmp" "$release" || return 1
	echo "$release" > "$tmp/release"
	echo ppc64el > "$tmp/arch"
	echo bookworm > "$tmp/suite"
	rm -rf "$tmp/debs"
}

setup_debug_kernel() {
	product kernel-debug "$(key_of make_debug_kernel make_debug_config trim_debug \
		setup/debug/base.config setup/debug/checkers.config)" make_debug_kernel
}
