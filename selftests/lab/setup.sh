#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# setup.sh [KERNEL...]   everything that guests with these kernels need (6.1 alone if none is named)
# setup.sh env KERNEL    the same, and where it is, for eval: NAME=DIRECTORY lines
# setup.sh packages      only the packages without which the lab cannot begin
#
# Run as often as you like: what is there is not made again. Where things come from and go to: setup/common.sh.

# shellcheck source=setup/all.sh
. "$(dirname "$0")/setup/all.sh"

if [ "${1:-}" = packages ]; then
	setup_packages "${HOST_PACKAGES[@]}"
	exit
fi
setup_packages "${HOST_PACKAGES[@]}" "${CHECK_PACKAGES[@]}" "${X86_PACKAGES[@]}"
if [ "${1:-}" = env ]; then
	setup_begin "${2:?which kernel?}"
	job_wait
	setup_products "$2"
	setup_emulator "$2"
else
	[ $# -gt 0 ] || set -- 6.1
	for kernel; do
		setup_begin "$kernel"
	done
	job_wait
	say "ready: $*"
fi
