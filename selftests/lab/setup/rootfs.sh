# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's root file system, and the tree that its programs are built against. Both are Debian 12, whatever
# the kernel. Packages are unpacked and nothing more: no foreign binary is run to make them, so what their
# maintainer scripts would have done and a test needs is done here.

ROOTFS_PACKAGES=(systemd systemd-sysv dbus udev kmod libmnl0 libkmod2 libinih1 libcap2 libsystemd0 busybox-static
	bash dash coreutils bsdutils util-linux findutils grep sed mawk procps hostname libcap2-bin strace)

SYSROOT_PACKAGES=(libc6-dev libsystemd-dev libmnl-dev libkmod-dev libinih-dev libcap-dev)

# All that a program in a guest without systemd may be linked with
QUICK_LIBRARIES='ld64.so.2 ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libmnl.so.0 libkmod.so.2 libinih.so.1 libcap.so.2
	libsystemd.so.0 libgcrypt.so.20 libgpg-error.so.0 liblzma.so.5 libzstd.so.1 liblz4.so.1 libcrypto.so.3
	libgcc_s.so.1 libpthread.so.0'

write_accounts() {
	local root=$1

	cat > "$root/etc/passwd" <<-'EOF'
		root:x:0:0:root:/root:/bin/bash
		daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
		messagebus:x:100:100::/nonexistent:/usr/sbin/nologin
		systemd-network:x:998:998::/:/usr/sbin/nologin
		labuser:x:1000:1000:lab user:/home/labuser:/bin/bash
		nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	EOF
	{
		printf '%s\n' root:x:0: daemon:x:1: adm:x:4: tty:x:5: disk:x:6: lp:x:7: kmem:x:15: dialout:x:20: \
			cdrom:x:24: audio:x:29: utmp:x:43: video:x:44: input:x:101: sgx:x:102: kvm:x:103: \
			render:x:104: tape:x:26: users:x:100: systemd-journal:x:999: systemd-network:x:998: \
			messagebus:x:106: labuser:x:1000: nogroup:x:65534:
	} > "$root/etc/group"
	sed -i 's/^messagebus:x:100:100:/messagebus:x:100:106:/' "$root/etc/passwd"
	sed 's/:.*/:*:19000:0:99999:7:::/' "$root/etc/passwd" > "$root/etc/shadow"
	chmod 640 "$root/etc/shadow"
	install -d -o 1000 -g 1000 "$root/home/labuser"
}

write_config() {
	local root=$1 unit

	echo lab > "$root/etc/hostname"
	echo 127.0.0.1 localhost lab > "$root/etc/hosts"
	echo 6c61622d6c61622d6c61622d6c616200 > "$root/etc/machine-id"
	printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' > "$root/etc/nsswitch.conf"
	printf 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nexport PATH\n' > "$root/etc/profile"
	: > "$root/etc/fstab"
	mkdir -p "$root/etc/systemd/system" "$root/etc/systemd/journald.conf.d" "$root/etc/systemd/system.conf.d"
	printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=64M\nRateLimitIntervalSec=0\n' \
		> "$root/etc/systemd/journald.conf.d/lab.conf"
	printf '[Manager]\nDefaultTimeoutStopSec=10s\nShowStatus=no\n' > "$root/etc/systemd/system.conf.d/lab.conf"
	# Nothing in a test needs these, and each costs time under emulation.
	for unit in systemd-firstboot systemd-update-done systemd-timesyncd systemd-networkd systemd-resolved \
		systemd-sysusers systemd-hwdb-update systemd-journal-catalog-update systemd-machine-id-commit \
		systemd-logind systemd-user-sessions systemd-pstore systemd-boot-update systemd-update-utmp \
		systemd-network-generator systemd-udev-settle systemd-binfmt ldconfig console-getty \
		serial-getty@hvc0 serial-getty@ttyS0 getty@tty1 e2scrub_reap systemd-udev-trigger \
		systemd-tmpfiles-setup-dev systemd-remount-fs systemd-random-seed systemd-journal-flush systemd-sysctl systemd-update-utmp-runlevel \
		kmod-static-nodes modprobe@drm modprobe@efi_pstore modprobe@fuse modprobe@dm_mod modprobe@loop; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit.service"
	done
	for unit in fstrim.timer e2scrub_all.timer dpkg-db-backup.timer apt-daily.timer apt-daily-upgrade.timer \
		systemd-tmpfiles-clean.timer getty.target dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
		sys-fs-fuse-connections.mount systemd-initctl.socket; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
}

# What maintainer scripts and alternatives would have made
finish_root() {
	local root=$1

	ln -sf dash "$root/usr/bin/sh"
	[ -e "$root/usr/bin/mawk" ] && ln -sf mawk "$root/usr/bin/awk"
	mkdir -p "$root"/{proc,sys,dev,run,tmp,root,home,var/log,var/tmp,var/lib,var/lock,etc/dbus-1/system.d}
	rm -rf "$root/var/lock" "$root/var/run"
	ln -s ../run/lock "$root/var/lock"
	ln -s ../run "$root/var/run"
	chmod 1777 "$root/tmp" "$root/var/tmp"
	chown root:106 "$root/usr/lib/dbus-1.0/dbus-daemon-launch-helper"
	chmod 4754 "$root/usr/lib/dbus-1.0/dbus-daemon-launch-helper"
	chmod 4755 "$root/usr/bin/su" "$root/usr/bin/mount" 2> /dev/null || true
	# Generators look for what this disk has not (swap, encryption, SysV scripts), a process each at every start.
	rm -f "$root"/usr/lib/systemd/system-generators/*
	# Nobody reads these in a guest.
	rm -rf "$root"/usr/share/{doc,man,locale,info,lintian,bash-completion,zsh,perl5,doc-base,common-licenses} \
		"$root"/usr/lib/systemd/catalog "$root"/usr/lib/udev/hwdb.d "$root"/usr/share/i18n \
		"$root"/usr/lib/*/gconv "$root"/usr/lib/*/perl-base "$root"/usr/bin/perl* "${root:?}"/boot
}

# The part of it that goes into the initial RAM disk of a guest without systemd
link_quick() {
	local root=$1 out=$2 library file

	for library in $QUICK_LIBRARIES; do
		for file in "$root"/usr/lib/*-linux-gnu/"$library" "$root"/usr/lib64/"$library"; do
			[ -e "$file" ] || continue
			install -D -m 755 "$(readlink -f "$file")" "$out/${file#"$root"/}"
		done
	done
	install -D -m 755 "$root/usr/bin/busybox" "$out/usr/bin/busybox"
	for file in setpriv bash; do
		install -D -m 755 "$root/usr/bin/$file" "$out/usr/bin/$file"
	done
	for library in libtinfo.so.6 libcap-ng.so.0; do
		for file in "$root"/usr/lib/*-linux-gnu/"$library"; do
			install -D -m 755 "$(readlink -f "$file")" "$out/${file#"$root"/}"
		done
	done
	mkdir -p "$out/etc"
	cp "$root/etc/passwd" "$root/etc/group" "$root/etc/nsswitch.conf" "$root/etc/hostname" "$out/etc/"
}

fetch_rootfs() {
	local conf=$1 dir=$2

	rm -rf "$dir"
	download_closure "$conf" "$dir" "${ROOTFS_PACKAGES[@]}"
}

# root.img: the whole thing for guests with systemd; quick/: a small part of it for those without
make_rootfs() {
	local tmp=$1 arch=$2 root=$1/root

	[ "$(id -u)" = 0 ] || die "files of several owners have to be made: as root: LAB_CACHE=$LAB_CACHE $LAB_DIR/setup.sh"
	with_apt bookworm "$arch" deb fetch_rootfs "$tmp/debs" || return 1
	unpack_packages "$root" "$tmp"/debs/*.deb || return 1
	write_accounts "$root"
	write_config "$root"
	finish_root "$root"
	link_quick "$root" "$tmp/quick"
	quietly mke2fs -q -t ext4 -O ^metadata_csum,^orphan_file -E lazy_itable_init=0 -L lab \
		-d "$root" "$tmp/root.img" 700M ||
		quietly mke2fs -q -t ext4 -L lab -d "$root" "$tmp/root.img" 700M || return 1
	rm -rf "$tmp/debs" "$root"
}

setup_rootfs() {
	product "rootfs-$1" "$(key_of make_rootfs write_accounts write_config finish_root link_quick \
		unpack_packages "$QUICK_LIBRARIES" "${ROOTFS_PACKAGES[@]}")" make_rootfs "$1"
}

fetch_sysroot() {
	local conf=$1 dir=$2

	rm -rf "$dir"
	download_closure "$conf" "$dir" "${SYSROOT_PACKAGES[@]}"
}

make_sysroot() {
	local tmp=$1 arch=$2

	with_apt bookworm "$arch" deb fetch_sysroot "$tmp/debs" || return 1
	unpack_packages "$tmp" "$tmp"/debs/*.deb || return 1
	rm -rf "$tmp/debs" "$tmp/usr/share/doc" "$tmp/usr/share/man"
}

setup_sysroot() {
	product "sysroot-$1" "$(key_of make_sysroot unpack_packages "${SYSROOT_PACKAGES[@]}")" make_sysroot "$1"
}
