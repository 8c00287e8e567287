#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# setup.sh [KERNEL...]   everything that guests with these kernels need (6.1 alone if none is named)
# setup.sh env KERNEL    the same, and where it is, for eval: NAME=DIRECTORY lines
#
# Run as often as you like: what is there is not made again. Where things come from and go to: setup/common.sh.

# shellcheck source=setup/common.sh
. "$(dirname "$0")/setup/common.sh"
for part in apt tools qemu kernels debug rootfs; do
	# shellcheck source=/dev/null
	. "$LAB_DIR/setup/$part.sh"
done

setup_for() {
	local kernel=$1 arch suite toolchain='' qemu sysroot=''

	arch=$(kernel_arch "$kernel")
	suite=$(kernel_suite "$kernel")
	kernel_flavour "$kernel" > /dev/null
	if [ "$arch" = ppc64el ]; then
		qemu=$(setup_qemu)/qemu-system-ppc64
		sysroot=$(setup_sysroot ppc64el)
	else
		qemu=/usr/bin/qemu-system-x86_64
		# This machine's own libraries serve a guest of the same release.
		grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || sysroot=$(setup_sysroot amd64)
	fi
	[ "$suite" = bookworm ] || toolchain=$(setup_toolchain)
	cat <<-EOF
		QEMU=$qemu
		SYSROOT=$sysroot
		TOOLCHAIN=$toolchain
		KERNEL_DIR=$(setup_kernel "$kernel")
		ROOTFS=$(setup_rootfs "$arch")
		KSELFTEST=$(setup_kselftest)
		GUEST_ARCH=$arch
	EOF
}

setup_packages
if [ "${1:-}" = env ]; then
	setup_for "${2:?which kernel?}"
else
	[ $# -gt 0 ] || set -- 6.1
	for kernel; do
		setup_for "$kernel" > /dev/null
	done
	say "ready: $*"
fi
