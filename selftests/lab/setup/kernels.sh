# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Guest kernels: Debian's image, the headers to build modules with, and the few modules a guest needs.
#
#   NAME      architecture  release   page size
#   6.1       ppc64el       bookworm  64K
#   6.12      ppc64el       trixie    4K
#   6.12-64k  ppc64el       trixie    64K
#   x86-6.1   amd64         bookworm  4K
#   x86-6.12  amd64         trixie    4K
#   debug     ppc64el       bookworm  64K, with KASAN and lockdep: setup/debug.sh
#
# A product holds: vmlinux, release, arch, suite, headers/ (use with KDIR) and modules/ (to be put into the
# guest's /usr/lib/modules).

# Modules a guest may need; what they depend on comes along. What is missing is built in, or not there at all.
GUEST_MODULES=(virtio_pci virtio_blk virtio_console virtio_rng virtio_net ext4 crc32c_generic configfs autofs4
	unix_diag fuse overlay loop dummy veth tun nx-compress-pseries softdog)

kernel_arch() {
	case $1 in
	x86-*) echo amd64 ;;
	*) echo ppc64el ;;
	esac
}

kernel_suite() {
	case $1 in
	*6.12*) echo trixie ;;
	*) echo bookworm ;;
	esac
}

kernel_flavour() {
	case $1 in
	6.1 | 6.12 | debug) echo powerpc64le ;;
	6.12-64k) echo powerpc64le-64k ;;
	x86-6.1 | x86-6.12) echo amd64 ;;
	*) die "no such kernel: $1 (6.1, 6.12, 6.12-64k, x86-6.1, x86-6.12, debug)" ;;
	esac
}

# fetch_kernel APT_CONF DIR FLAVOUR : image and headers of one and the same version
fetch_kernel() {
	local conf=$1 dir=$2 flavour=$3 release common

	release=$(what_depends "$conf" "linux-image-$flavour" "linux-image-[0-9].*-$flavour")
	release=${release#linux-image-}
	[ -n "$release" ] || return 1
	common=$(what_depends "$conf" "linux-headers-$release" 'linux-headers-.*-common.*')
	[ -n "$common" ] || return 1
	rm -rf "$dir"
	download_packages "$conf" "$dir" "linux-image-$release" "linux-headers-$release" "$common" || return 1
	what_depends "$conf" "linux-headers-$release" 'linux-kbuild-.*' > "$dir/kbuild"
	echo "$release" > "$dir/release"
}

# The tools beside the headers are programs of the machine that builds. Those for 6.1 are a package of Debian 12's;
# for trixie they come along, in exactly the headers' version (the suites of two architectures can be out of step).
fetch_kbuild() {
	local conf=$1 dir=$2 kbuild=$3

	download_packages "$conf" "$dir" "$kbuild"
}

# The headers expect to be in /usr/src and their tools beside it.
fix_headers() {
	local tmp=$1 release=$2 kbuild=$3 dir link tools=/usr/lib/$3

	[ ! -d "$tmp/usr/lib/$kbuild" ] || tools=$PRODUCT_DIR/usr/lib/$kbuild
	for dir in "$tmp"/usr/src/linux-headers-*; do
		for link in scripts tools; do
			[ ! -L "$dir/$link" ] || ln -sfn "$tools/$link" "$dir/$link"
		done
		# With vmlinux beside it the build makes BTF, which needs a pahole of the same release.
		rm -f "$dir/vmlinux"
	done
	sed -i "s#/usr/src/#$PRODUCT_DIR/usr/src/#" "$tmp/usr/src/linux-headers-$release/Makefile"
	ln -s "usr/src/linux-headers-$release" "$tmp/headers"
}

# Only what a guest needs, uncompressed: the guest's tools need not know xz.
select_modules() {
	local all=$1 release=$2 out=$3 module file

	find "$all/usr/lib/modules/$release" -name '*.ko.xz' -exec xz -d {} +
	depmod -b "$all" "$release"
	mkdir -p "$out/$release"
	cp "$all/usr/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$out/$release/"
	for module in "${GUEST_MODULES[@]}"; do
		modprobe -d "$all" -S "$release" --show-depends "$module" 2> /dev/null || true
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u | while read -r file; do
		install -D -m 644 "$file" "$out/$release/${file##*/lib/modules/"$release"/}"
	done
}

make_kernel() {
	local tmp=$1 name=$2 arch suite release

	arch=$(kernel_arch "$name")
	suite=$(kernel_suite "$name")
	with_apt "$suite" "$arch" deb fetch_kernel "$tmp/debs" "$(kernel_flavour "$name")" || return 1
	release=$(cat "$tmp/debs/release")
	unpack_packages "$tmp/image" "$tmp"/debs/linux-image-*.deb || return 1
	unpack_packages "$tmp" "$tmp"/debs/linux-headers-*.deb || return 1
	if [ "$suite" != bookworm ]; then
		with_apt "$suite" amd64 deb fetch_kbuild "$tmp/kbuild" "$(cat "$tmp/debs/kbuild")" || return 1
		unpack_packages "$tmp" "$tmp"/kbuild/*.deb || return 1
	fi
	fix_headers "$tmp" "$release" "$(cat "$tmp/debs/kbuild")" || return 1
	cp "$tmp/image/boot"/vmlinu[xz]-* "$tmp/vmlinux"
	select_modules "$tmp/image" "$release" "$tmp/modules" || return 1
	echo "$release" > "$tmp/release"
	echo "$arch" > "$tmp/arch"
	echo "$suite" > "$tmp/suite"
	rm -rf "$tmp/image" "$tmp/debs" "$tmp/kbuild"
}

setup_kernel() {
	kernel_flavour "$1" > /dev/null
	if [ "$1" = debug ]; then
		setup_debug_kernel
		return
	fi
	product "kernel-$1" "$(key_of make_kernel fetch_kernel fetch_kbuild fix_headers select_modules unpack_packages \
		"${GUEST_MODULES[@]}")" make_kernel "$1"
}
