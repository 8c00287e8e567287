# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# QEMU for pseries with the partition-migration calls: Debian's source package, our patch and our own file.
# The patched and configured tree stays in the cache, so that a change to our own file costs seconds. Compiling it
# is most of what a first demo waits for: nothing is in it that no guest of ours uses (qemu/lab.mak has the devices).

QEMU_CONFIGURE=(--target-list=ppc64-softmmu --without-default-features --enable-tcg --enable-system
	--without-default-devices --with-devices-ppc64=lab --enable-fdt=system --enable-slirp
	--enable-trace-backends=nop --disable-debug-info --disable-docs --disable-werror)

fetch_source() {
	local conf=$1 dir=$2 package=$3

	cd "$dir" || return 1
	quietly env APT_CONFIG="$conf" apt-get -q source --download-only "$package"
}

make_qemu_tree() {
	local tmp=$1

	mkdir "$tmp/dl"
	with_apt bookworm amd64 deb-src fetch_source "$tmp/dl" qemu || return 1
	quietly dpkg-source --no-check -x "$tmp"/dl/qemu_*.dsc "$tmp/src" || return 1
	rm -rf "$tmp/dl"
	cp "$LAB_DIR/qemu/lab.mak" "$tmp/src/configs/devices/ppc64-softmmu/lab.mak"
	quietly patch -d "$tmp/src" -p1 -i "$LAB_DIR/qemu/spapr-lpm.patch"
}

# The tree's lock is held: two builds in one tree would spoil each other.
make_qemu() {
	local tmp=$1 tree=$2

	(
		flock 9
		cp "$LAB_DIR/qemu/spapr_lpm.c" "$tree/src/hw/ppc/"
		cp "$LAB_DIR/qemu/spapr_lpm.h" "$tree/src/include/hw/ppc/"
		mkdir -p "$tree/src/b"
		cd "$tree/src/b" || exit 1
		if [ ! -f build.ninja ]; then
			quietly ../configure "${QEMU_CONFIGURE[@]}" || { rm -f build.ninja; exit 1; }
		fi
		quietly ninja -j"$JOBS" qemu-system-ppc64 || exit 1
		cp qemu-system-ppc64 "$tmp/qemu-system-ppc64"
	) 9> "$tree/lock"
}

setup_qemu() {
	local tree key

	key=$(key_of fetch_source make_qemu_tree qemu/spapr-lpm.patch qemu/lab.mak "${QEMU_CONFIGURE[@]}")
	tree=$(product qemu-tree "$key" make_qemu_tree)
	key=$(key_of "$key" make_qemu qemu/spapr_lpm.c qemu/spapr_lpm.h)
	product qemu "$key" make_qemu "$tree"
}
