# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the host needs: packages, the kselftest headers and checkpatch, and for trixie's kernels trixie's compiler.

HOST_PACKAGES=(
	# QEMU
	dpkg-dev ninja-build meson pkg-config python3-venv libglib2.0-dev libpixman-1-dev libfdt-dev libslirp-dev
	qemu-system-data qemu-utils
	# guests
	e2fsprogs kmod procps python3 util-linux xz-utils zstd
	# modules and userland
	gcc make bc flex bison libelf-dev gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross linux-kbuild-6.1
	libsystemd-dev libmnl-dev libkmod-dev libinih-dev libcap-dev patch
)

# What `make check` needs beside these, and a guest of this machine's architecture
CHECK_PACKAGES=(sparse clang-format shellcheck python3-yaml python3-jsonschema git dbus systemd)
X86_PACKAGES=(qemu-system-x86)

missing_packages() {
	local package

	for package; do
		# shellcheck disable=SC2016 # dpkg-query's own notation
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] ||
			echo "$package"
	done
}

# Another one after each change of the packages, and on each other machine
dpkg_state() {
	stat -c %i:%.Y /var/lib/dpkg/status
}

# setup_packages PACKAGE... : are installed
setup_packages() {
	local missing stamp

	# Asking dpkg takes longer than all the rest: not if the list was complete and dpkg did nothing since. The cache
	# may have come from another machine.
	stamp=$LAB_CACHE/packages-$(key_of "$@")
	[ "$(cat "$stamp" 2> /dev/null)" != "$(dpkg_state)" ] || return 0

	mapfile -t missing < <(missing_packages "$@")
	if [ ${#missing[@]} -gt 0 ]; then
		[ "$(id -u)" = 0 ] || die "as root: apt-get install ${missing[*]}"
		say "installing ${missing[*]}"
		# Other archives on this machine may be out of reach: what counts is whether the packages can be had.
		quietly apt-get -q -o DPkg::Lock::Timeout=600 update || true
		quietly env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
			-o DPkg::Lock::Timeout=600 install "${missing[@]}" || die "apt-get install failed"
	fi
	# Root may have made it for a user, who then asks dpkg each time.
	dpkg_state 2> /dev/null > "$stamp" || true
}

make_kselftest() {
	local tmp=$1 top=linux-source-6.1

	with_apt bookworm amd64 deb download_packages "$tmp/debs" linux-source-6.1 || return 1
	dpkg-deb --fsys-tarfile "$tmp"/debs/*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz |
		tar -xJ -C "$tmp" --strip-components=1 \
			"$top"/tools/testing/selftests/{kselftest.h,kselftest_harness.h} \
			"$top"/scripts/{checkpatch.pl,spelling.txt,const_structs.checkpatch} || return 1
	mv "$tmp"/tools/testing/selftests/* "$tmp"/scripts/* "$tmp/"
	rm -rf "$tmp/debs" "$tmp/tools" "$tmp/scripts"
}

setup_kselftest() {
	local dir

	dir=$(product kselftest "$(key_of make_kselftest)" make_kselftest)
	[ "$(readlink "$LAB_CACHE/kselftest")" = "$(basename "$dir")" ] ||
		ln -sfn "$(basename "$dir")" "$LAB_CACHE/kselftest"
	echo "$dir"
}

# headers_of APT_CONF : the headers of the suite's kernel for this machine, which name their compiler and tools
headers_of() {
	what_depends "$1" linux-headers-amd64 'linux-headers-[0-9].*-amd64'
}

# gcc_of APT_CONF : the number of the compiler that the suite's kernel is built with
gcc_of() {
	local gcc

	gcc=$(what_depends "$1" "$(headers_of "$1")" '\(linux-compiler-\)*gcc-[0-9].*')
	gcc=${gcc#*gcc-}
	[ -n "$gcc" ] || { say "the suite's kernel names no compiler"; return 1; }
	echo "${gcc%%-*}"
}

fetch_toolchain() {
	local conf=$1 dir=$2 kbuild gcc

	gcc=$(gcc_of "$conf") || return 1
	kbuild=$(what_depends "$conf" "$(headers_of "$conf")" 'linux-kbuild-.*')
	rm -rf "$dir"
	download_closure "$conf" "$dir" bash dash coreutils make gawk sed grep findutils diffutils perl-base sparse \
		"gcc-$gcc" "gcc-$gcc-powerpc64le-linux-gnu" libc6-dev libc6-dev-ppc64el-cross "$kbuild" kmod
}

# make_chroot DIR RELEASE FETCH : a tree of another release for this machine, to run programs in (in_chroot)
make_chroot() {
	local tmp=$1 release=$2 fetch=$3

	with_apt "$release" amd64 deb "$fetch" "$tmp/debs" || return 1
	unpack_packages "$tmp" "$tmp"/debs/*.deb || return 1
	ln -sf dash "$tmp/usr/bin/sh"
	ln -sf gawk "$tmp/usr/bin/awk"
	mkdir -p "$tmp"/{dev,proc,run,tmp,root}
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n' > "$tmp/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' > "$tmp/etc/group"
	chmod 1777 "$tmp/tmp"
	rm -rf "$tmp/debs" "$tmp"/usr/share/{doc,man,locale,info}
}

# setup_toolchain RELEASE : that of the suite's kernels. Bookworm's compiler makes modules that trixie's kernels load
# and then jump into the wrong place with; trixie's does not know what the headers of sid's say.
setup_toolchain() {
	local release=$1 gcc=''

	if [ "$release" = sid ]; then
		gcc=$(with_apt sid amd64 deb gcc_of) || gcc=unknown
	fi
	product_or_cached "toolchain-$release" "$(key_of make_chroot fetch_toolchain gcc_of unpack_packages "$gcc")" \
		make_chroot "$release" fetch_toolchain
}

fetch_debian11() {
	rm -rf "$2"
	download_closure "$1" "$2" bash dash coreutils make gawk sed grep findutils diffutils perl-base gcc libc6-dev \
		pkg-config libsystemd-dev libmnl-dev libkmod-dev libinih-dev libcap-dev dbus procps util-linux base-passwd
}

# With Debian's users and groups, which tests name
make_debian11() {
	make_chroot "$1" bullseye fetch_debian11 || return 1
	cp "$1/usr/share/base-passwd/passwd.master" "$1/etc/passwd"
	cp "$1/usr/share/base-passwd/group.master" "$1/etc/group"
}

# The oldest release that the userland is for: what builds and runs there needs nothing newer.
setup_debian11() {
	product debian11 "$(key_of make_chroot make_debian11 fetch_debian11 unpack_packages)" make_debian11
}

# in_chroot CHROOT BIND COMMAND... : run a command there; BIND (directories, with spaces between them) and the cache
# are where they are here
in_chroot() {
	local root=$1 bind=$2 dir map=()
	shift 2

	[ "$(id -u)" = 0 ] || map=(--map-root-user)
	for dir in $bind "$LAB_CACHE"; do
		mkdir -p "$root$dir"
	done
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount "${map[@]}" sh -ec '
		root=$1 bind=$2 cache=$3
		shift 3
		mount --rbind "$cache" "$root$cache"
		for dir in $bind; do
			mount --rbind "$dir" "$root$dir"
		done
		mount --rbind /dev "$root/dev"
		mount --rbind /proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount -t tmpfs -o mode=755 tmpfs "$root/run"
		cd /
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C "$@"
	' sh "$root" "$bind" "$LAB_CACHE" "$@"
}
