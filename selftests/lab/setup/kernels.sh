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
#   newest    ppc64el       sid       4K, whatever Debian has today: looked up every day
#   debug     ppc64el       bookworm  64K, with KASAN and lockdep: setup/debug.sh
#
# A product holds: vmlinux, release, arch, suite, headers/ (use with KDIR) and modules/ (to be put into the
# guest's /usr/lib/modules).

# Modules a guest may need; what they depend on comes along. What is missing is built in, or not there at all.
GUEST_MODULES=(virtio_pci virtio_blk virtio_console virtio_rng virtio_net ext4 crc32c_generic configfs autofs4
	unix_diag fuse overlay loop dummy veth tun nx-compress-pseries softdog
	ibmveth ibmvscsi sd_mod)

kernel_arch() {
	case $1 in
	x86-*) echo amd64 ;;
	*) echo ppc64el ;;
	esac
}

kernel_suite() {
	case $1 in
	*6.12*) echo trixie ;;
	newest) echo sid ;;
	*) echo bookworm ;;
	esac
}

kernel_flavour() {
	case $1 in
	6.1 | 6.12 | newest | debug) echo powerpc64le ;;
	6.12-64k) echo powerpc64le-64k ;;
	x86-6.1 | x86-6.12) echo amd64 ;;
	*) die "no such kernel: $1 (6.1, 6.12, 6.12-64k, newest, x86-6.1, x86-6.12, debug)" ;;
	esac
}

# kernel_releases APT_CONF FLAVOUR : those that the suite lists, the one that it means first
kernel_releases() {
	local conf=$1 flavour=$2 first

	first=$(what_depends "$conf" "linux-image-$flavour" "linux-image-[0-9].*-$flavour")
	[ -n "$first" ] || { say "there is no linux-image-$flavour"; return 1; }
	{
		echo "$first"
		APT_CONFIG=$conf apt-cache pkgnames linux-image- | grep -E "^linux-image-[0-9].*[0-9]-$flavour\$" | sort -Vr
	} | awk '!seen[$0]++ { sub(/^linux-image-/, ""); print }'
}

kernel_release() {
	kernel_releases "$@" | sed -n 1p
}

# fetch_release APT_CONF DIR RELEASE : image, modules and headers of one and the same version
fetch_release() {
	local conf=$1 dir=$2 release=$3 common image=()

	common=$(what_depends "$conf" "linux-headers-$release" 'linux-headers-.*-common.*')
	[ -n "$common" ] || { say "there is no linux-headers-$release"; return 1; }
	# Newer kernels are split; linux-image-* is almost empty then.
	mapfile -t image < <(APT_CONFIG=$conf apt-cache depends "linux-image-$release" |
		sed -n "s/^ *Depends: \\(linux-\\(binary\\|modules\\|base\\)-$release\\)\$/\\1/p")
	rm -rf "$dir"
	download_packages "$conf" "$dir" "linux-image-$release" "${image[@]}" || return 1
	download_packages "$conf" "$dir/headers" "linux-headers-$release" "$common" || return 1
	what_depends "$conf" "linux-headers-$release" 'linux-kbuild-.*' > "$dir/kbuild"
	echo "$release" > "$dir/release"
}

# fetch_kernel APT_CONF DIR FLAVOUR : the index of a port can name a version that its mirror does not hold yet; the
# one before it is still there then
fetch_kernel() {
	local conf=$1 dir=$2 flavour=$3 release

	for release in $(kernel_releases "$conf" "$flavour"); do
		fetch_release "$conf" "$dir" "$release" && return
		say "$release cannot be fetched: trying the one before it, if there is one"
	done
	return 1
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

# Only what a guest needs with all that it depends on, uncompressed: the guest's tools need not know xz.
select_modules() {
	local all=$1/usr/lib/modules/$2 out=$3/$2 file name path todo=("${GUEST_MODULES[@]}")
	local -A paths=()

	while read -r path; do
		name=${path##*/}
		name=${name%%.ko*}
		paths[${name//-/_}]=$path
	done < <(cd "$all" && find . -name '*.ko' -o -name '*.ko.xz')
	mkdir -p "$out"
	cp "$all"/modules.{builtin,builtin.modinfo,order} "$out/" || return 1
	while [ ${#todo[@]} -gt 0 ]; do
		name=${todo[0]//-/_}
		todo=("${todo[@]:1}")
		path=${paths[$name]:-}
		file=$out/${path%.xz}
		[ -n "$path" ] && [ ! -e "$file" ] || continue
		install -D -m 644 "$all/$path" "$out/$path"
		[ "$path" = "${path%.xz}" ] || xz -d "$out/$path" || return 1
		mapfile -t -O ${#todo[@]} todo < <(modinfo -F depends "$file" | tr -s ',' '\n' | sed '/^$/d')
	done
}

make_kernel() {
	local tmp=$1 name=$2 arch suite release

	arch=$(kernel_arch "$name")
	suite=$(kernel_suite "$name")
	with_apt "$suite" "$arch" deb fetch_kernel "$tmp/debs" "$(kernel_flavour "$name")" || return 1
	release=$(cat "$tmp/debs/release")
	unpack_packages "$tmp/image" "$tmp"/debs/*.deb || return 1
	unpack_packages "$tmp" "$tmp"/debs/headers/*.deb || return 1
	if [ "$suite" != bookworm ]; then
		with_apt "$suite" amd64 deb fetch_kbuild "$tmp/kbuild" "$(cat "$tmp/debs/kbuild")" || return 1
		unpack_packages "$tmp" "$tmp"/kbuild/*.deb || return 1
	fi
	fix_headers "$tmp" "$release" "$(cat "$tmp/debs/kbuild")" || return 1
	find "$tmp/image" -type f -name 'vmlinu[xz]*' -exec mv {} "$tmp/vmlinux" ';'
	select_modules "$tmp/image" "$release" "$tmp/modules" || return 1
	echo "$release" > "$tmp/release"
	echo "$arch" > "$tmp/arch"
	echo "$suite" > "$tmp/suite"
	rm -rf "$tmp/image" "$tmp/debs" "$tmp/kbuild"
}

setup_kernel() {
	local name=$1 release=''

	if [ "$name" = debug ]; then
		setup_debug_kernel
		return
	fi
	if [ "$name" = newest ]; then
		release=$(with_apt sid ppc64el deb kernel_release "$(kernel_flavour newest)") || release=unknown
	fi
	product_or_cached "kernel-$name" "$(key_of make_kernel fetch_kernel fetch_release fetch_kbuild fix_headers select_modules \
		unpack_packages "${GUEST_MODULES[@]}" "$release")" make_kernel "$name"
}
