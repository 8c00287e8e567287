# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# All parts of the set-up, and which of them a guest needs: they are made beside each other (setup/jobs.sh).

# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
for part in jobs apt tools qemu kernels debug rootfs utils; do
	# shellcheck source=/dev/null
	. "$LAB_DIR/setup/$part.sh"
done

# This machine's own libraries serve a guest of the same release.
needs_sysroot() {
	[ "$1" = ppc64el ] || ! grep -q '^VERSION_CODENAME=bookworm' /etc/os-release
}

# Is drmgr compared with powerpc-utils' on this kernel? The others need not have it.
compares_utils() {
	grep -q "^cmd-compare[^#]*[[:space:],]$1[[:space:],]" "$LAB_DIR/tests.list"
}

# setup_begin KERNEL [PART...] : qemu, sysroot, toolchain, kernel, rootfs, kselftest, utils; all of them if none is named
setup_begin() {
	local kernel=$1 arch suite part
	shift

	kernel_flavour "$kernel" > /dev/null
	arch=$(kernel_arch "$kernel")
	suite=$(kernel_suite "$kernel")
	[ $# -gt 0 ] || set -- qemu kernel sysroot rootfs toolchain kselftest utils
	for part; do
		case $part in
		qemu) [ "$arch" != ppc64el ] || job qemu setup_qemu ;;
		sysroot) ! needs_sysroot "$arch" || job "sysroot-$arch" setup_sysroot "$arch" ;;
		toolchain) [ "$suite" = bookworm ] || job "toolchain-$suite" setup_toolchain "$suite" ;;
		kernel) job "kernel-$kernel" setup_kernel "$kernel" ;;
		rootfs) job "rootfs-$arch" setup_rootfs "$arch" ;;
		kselftest) job kselftest setup_kselftest ;;
		utils) ! compares_utils "$kernel" || job utils setup_utils ;;
		esac
	done
}

# Where everything is that has been waited for, as NAME=DIRECTORY lines
setup_products() {
	local kernel=$1 arch

	arch=$(kernel_arch "$kernel")
	cat <<-EOF
		SYSROOT=$(job_output "sysroot-$arch")
		TOOLCHAIN=$(job_output "toolchain-$(kernel_suite "$kernel")")
		KERNEL_DIR=$(job_output "kernel-$kernel")
		ROOTFS=$(job_output "rootfs-$arch")
		KSELFTEST=$(job_output kselftest)
		GUEST_ARCH=$arch
	EOF
}

# After job_wait qemu
setup_emulator() {
	if [ "$(kernel_arch "$1")" = ppc64el ]; then
		echo "QEMU=$(job_output qemu)/qemu-system-ppc64"
	else
		echo "QEMU=/usr/bin/qemu-system-x86_64"
	fi
}
