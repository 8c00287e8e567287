#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# build.sh KERNEL [strict]
#
# Builds this checkout for a guest with that kernel, to build/lab/KERNEL/: mod/ the modules, payload/ all of it as
# it is laid out in the guest, initrd-quick and initrd-systemd. The userland, the same for all kernels of an
# architecture, is in build/lab/user-ARCH/. "strict" builds the
# modules alone, from nothing, with W=1 and sparse.
#
# LAB_EXTRA=DIR:GUESTDIR puts a directory of the caller's into the guest.
# LAB_ONLY=1 leaves the project out: the guest has the lab's own programs and tests.
# LAB_MODULES=1 brings the modules of the payload up to date, and nothing else: no guest can be started with that.
# LAB_AREAS='AREA...' : of the project's tests these alone, so that nothing is fetched or built for the others.

# shellcheck source=setup/all.sh
. "$(dirname "$0")/setup/all.sh"

kernel=${1:?which kernel?}
strict=${2:-}
TOP=$(cd "$LAB_DIR/../.." && pwd)
OUT=${O:-$TOP/build}/lab/$kernel
EXAMPLE=Documentation/examples/driver
MODULE_SOURCES=(Makefile Kbuild kernel include selftests/drivers "$EXAMPLE")

# wants_area AREA : its tests are for this guest
wants_area() {
	[ -z "${LAB_AREAS:-}" ] || [[ " $LAB_AREAS " == *" $1 "* ]]
}

# The headers are needed by the areas with a program that uses them.
needs_kselftest() {
	local area

	[ -n "${LAB_AREAS:-}" ] || return 0
	for area in $LAB_AREAS; do
		if grep -qsr '#include.*kselftest' "$TOP/selftests/$area"; then
			return 0
		fi
	done
	return 1
}

# The emulator, which takes longest, is made beside all the rest and waited for at the end.
parts=(kernel toolchain)
if [ "$strict" != strict ]; then
	parts=(qemu "${parts[@]}" sysroot rootfs)
	! needs_kselftest || parts+=(kselftest)
	! wants_area cmd || parts+=(utils)
fi
packages=("${HOST_PACKAGES[@]}")
[ "$strict" != strict ] || packages+=("${CHECK_PACKAGES[@]}")
[[ $kernel != x86-* ]] || packages+=("${X86_PACKAGES[@]}")
setup_packages "${packages[@]}"
setup_begin "$kernel" "${parts[@]}"
for part in "${!JOB_PID[@]}"; do
	[ "$part" = qemu ] || job_wait "$part"
done
products=$(setup_products "$kernel")
eval "$products"
RELEASE=$(cat "$KERNEL_DIR/release")

case $GUEST_ARCH in
ppc64el)
	ARCH_ARGS=(ARCH=powerpc CROSS_COMPILE=powerpc64le-linux-gnu-)
	CROSS=powerpc64le-linux-gnu- ;;
amd64)
	ARCH_ARGS=(ARCH=x86 CROSS_COMPILE=)
	CROSS='' ;;
esac

USER_OUT=${O:-$TOP/build}/lab/user-$GUEST_ARCH
mkdir -p "$OUT" "$USER_OUT"
exec 9> "$OUT/lock"
flock 9

# The sources below these paths, those of them that are there yet; no product of a build in the tree itself
list_sources() {
	local path

	for path; do
		[ ! -e "$path" ] || find "$path" -type f ! -name '*.o' ! -name '*.ko' ! -name '*.mod*' ! -name '.*.cmd'
	done | sort
}

# mirror DIR PATH... : copies of the tree's files; kbuild puts its objects beside them, for this kernel only
mirror() {
	local to=$1 path
	shift

	mkdir -p "$to"
	(cd "$TOP" && list_sources "$@") > "$to/.files.new"
	if [ -f "$to/.files" ]; then
		comm -23 "$to/.files" "$to/.files.new" | while read -r path; do
			rm -f "$to/$path"
		done
	fi
	mv "$to/.files.new" "$to/.files"
	(cd "$TOP" && while read -r path; do
		cmp -s "$path" "$to/$path" || { mkdir -p "$(dirname "$to/$path")"; cp "$path" "$to/$path"; }
	done) < "$to/.files"
}

# The state of a tree's files, to see whether anything has to be done
state_of() {
	(cd "$1" && find . -type f \( -name '*.[chS]' -o -name Kbuild -o -name Makefile \) -printf '%p %T@ %s\n' | sort |
		sha256sum)
}

# kbuild DIR [VAR=VALUE...] : as an admin builds the modules: by our own Makefile, with that kernel's headers
kbuild() {
	local dir=$1 run=() gcc
	shift
	# BTF of a module needs the kernel's own vmlinux and its release's pahole.
	set -- CONFIG_DEBUG_INFO_BTF_MODULES= "$@"

	if [ -n "$TOOLCHAIN" ]; then
		run=(in_chroot "$TOOLCHAIN" "$OUT")
		gcc=$(basename "$TOOLCHAIN"/usr/bin/powerpc64le-linux-gnu-gcc-[0-9]*)
		gcc=${gcc##*-}
		"${run[@]}" make -s -C "$dir" modules "KDIR=$KERNEL_DIR/headers" "${ARCH_ARGS[@]}" \
			"CC=${CROSS}gcc-$gcc" "HOSTCC=gcc-$gcc" SELFTESTS=1 "-j$JOBS" "$@"
	else
		make -s -C "$dir" modules "KDIR=$KERNEL_DIR/headers" "${ARCH_ARGS[@]}" "CC=${CROSS}gcc-12" SELFTESTS=1 \
			"-j$JOBS" "$@"
	fi
}

has_modules() {
	[ -z "${LAB_ONLY:-}" ] && [ -f "$TOP/Kbuild" ]
}

# The example of a driver, too, as its author builds it: by a Makefile of its own, when pmig has been built
kbuild_all() {
	local dir=$1

	kbuild "$@"
	shift
	kbuild "$dir/$EXAMPLE" "$@"
}

build_modules() {
	local now

	has_modules || return 0
	mirror "$OUT/mod" "${MODULE_SOURCES[@]}"
	now="$(state_of "$OUT/mod") $KERNEL_DIR"
	if [ "$now" != "$(cat "$OUT/mod.built" 2> /dev/null)" ]; then
		rm -f "$OUT/mod.built"
		find "$OUT/mod" -name '*.ko' -delete
		kbuild_all "$OUT/mod"
		state_of "$OUT/mod" > "$OUT/mod.built"
		echo "$(state_of "$OUT/mod") $KERNEL_DIR" > "$OUT/mod.built"
	fi
}

# Not C=2: Debian's newer headers lack the script that says whether sparse is there, and then it would not be called.
build_strict() {
	rm -rf "$OUT/strict"
	mirror "$OUT/strict" "${MODULE_SOURCES[@]}"
	kbuild_all "$OUT/strict" W=1 KBUILD_CHECKSRC=2 CF=-D__CHECK_ENDIAN__
}

# The guest programs of the lab itself
build_lab() {
	local name programs=(guest/labd guest/hmc tests/pvr)

	mkdir -p "$OUT/guest" "$OUT/tests"
	! needs_kselftest || programs+=(tests/memory_test)
	for name in "${programs[@]}"; do
		if [ "$OUT/$name" -ot "$LAB_DIR/$name.c" ] || [ "$OUT/$name" -ot "$LAB_DIR/guest/lab.h" ]; then
			"${CROSS}gcc-12" ${SYSROOT:+--sysroot="$SYSROOT"} -O2 -Wall -Wextra -D_GNU_SOURCE \
				-I"$LAB_DIR/guest" -isystem "$KSELFTEST" -o "$OUT/$name.tmp" "$LAB_DIR/$name.c"
			mv "$OUT/$name.tmp" "$OUT/$name"
		fi
	done
}

project_make() {
	make -s -C "$TOP" "${ARCH_ARGS[@]}" "SYSROOT=$SYSROOT" "KSELFTEST=$KSELFTEST" "O=$USER_OUT" PREFIX=/usr WERROR=1 \
		"-j$JOBS" "$@"
}

copy_modules() {
	local to=$1/usr/lib/modules/$RELEASE/extra

	mkdir -p "$to"
	find "$OUT/mod" -name '*.ko' -exec cp -t "$to" {} +
}

install_modules() {
	local payload=$1

	mkdir -p "$payload/usr/lib/modules"
	cp -a "$KERNEL_DIR/modules/$RELEASE" "$payload/usr/lib/modules/"
	! has_modules || copy_modules "$payload"
	depmod -b "$payload" "$RELEASE"
}

install_lab() {
	local payload=$1 tests=$1/usr/libexec/pmig/selftests

	mkdir -p "$tests/lab" "$payload/usr/bin" "$payload/etc/systemd/system/multi-user.target.wants"
	cp "$OUT"/guest/{labd,hmc} "$payload/usr/bin/"
	install -m 755 "$LAB_DIR"/tests/*.sh "$tests/lab/"
	find "$OUT/tests" -type f -exec install -m 755 -t "$tests/lab" {} +
	cp "$LAB_DIR/guest/lab-agent.service" "$payload/etc/systemd/system/"
	ln -sf ../lab-agent.service "$payload/etc/systemd/system/multi-user.target.wants/lab-agent.service"
}

install_project() {
	local payload=$1

	[ -z "${LAB_ONLY:-}" ] || return 0
	# Builds for other kernels use the same directory.
	(
		flock 8
		project_make "DESTDIR=$payload" install-userland selftests-guest ${LAB_AREAS:+"AREAS=$LAB_AREAS"} 8>&-
	) 8> "$USER_OUT/lock"
	if [ -d "$USER_OUT/selftests" ]; then
		(cd "$USER_OUT/selftests" && find . -type f '(' -perm -100 -o -name '*.table' ')' -print0 |
			xargs -0r cp --parents -t "$payload/usr/libexec/pmig/selftests")
	fi
}

install_extra() {
	[ -n "${LAB_EXTRA:-}" ] || return 0
	mkdir -p "$1/${LAB_EXTRA#*:}"
	cp -a "${LAB_EXTRA%%:*}/." "$1/${LAB_EXTRA#*:}/"
}

# Laid out beside the old one, which a guest may be starting from at this moment
make_payload() {
	local payload=$OUT/payload.new link

	rm -rf "$payload"
	for link in bin sbin lib; do
		mkdir -p "$payload/usr/$link"
		ln -s "usr/$link" "$payload/$link"
	done
	install_modules "$payload"
	install_lab "$payload"
	install_project "$payload"
	[ -z "$(job_output utils)" ] || install_utils "$payload"
	install_extra "$payload"
	"$LAB_DIR/harness/image.py" "$payload" "$LAB_DIR/guest/init" "$ROOTFS/quick" "$RELEASE" "$OUT"
	rm -rf "$OUT/payload"
	mv "$payload" "$OUT/payload"
}

if [ "$strict" = strict ]; then
	build_strict
	exit
fi
build_lab
build_modules
if [ -n "${LAB_MODULES:-}" ]; then
	copy_modules "$OUT/payload"
	job_wait
	exit
fi
make_payload
job_wait
{
	echo "$products"
	setup_emulator "$kernel"
} > "$OUT/products"
