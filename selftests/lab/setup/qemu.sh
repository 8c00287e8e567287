# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# QEMU for pseries with the partition-migration calls: Debian's source package, our patch and our own file.
# The configured and compiled tree stays in the cache and gets the patch of whoever builds in it, so that a change to
# the patch or to our own file costs what it touches. Compiling is most of what a first demo waits for: nothing is in
# it that no guest of ours uses (qemu/lab.mak has the devices).

QEMU_CONFIGURE=(--target-list=ppc64-softmmu --without-default-features --enable-tcg --enable-system
	--without-default-devices --with-devices-ppc64=lab --enable-fdt=system --enable-slirp
	--enable-trace-backends=nop --disable-debug-info --disable-docs --disable-werror
	--extra-cflags=-Wno-invalid-pch)

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
}

# patch_qemu TREE TMPDIR : the files of the patch as it says, whatever patch they had before; the others untouched
patch_qemu() {
	local tree=$1 want=$2 patch=$LAB_DIR/qemu/spapr-lpm.patch file

	sed -n 's#^--- a/##p' "$patch" | while read -r file; do
		[ -e "$tree/pristine/$file" ] || install -D "$tree/src/$file" "$tree/pristine/$file"
	done
	cp -r "$tree/pristine" "$want"
	quietly patch -d "$want" -p1 -i "$patch" || return 1
	cp "$LAB_DIR/qemu/spapr_lpm.c" "$want/hw/ppc/"
	cp "$LAB_DIR/qemu/spapr_lpm.h" "$want/include/hw/ppc/"
	(cd "$want" && find . -type f ! -name '*.orig') | while read -r file; do
		cmp -s "$want/$file" "$tree/src/$file" || cp "$want/$file" "$tree/src/$file"
	done
	rm -rf "$want"
}

# What every file of QEMU's includes first is compiled once, which takes a third off the whole. It is compiled as most
# files are, and the compiler leaves it aside for the others (-Wno-invalid-pch: it need not say so each time). Made
# anew when one of its headers has changed.
precompile_qemu() {
	local header=../include/qemu/osdep.h compile

	quietly ninja config-poison.h || return 1
	compile=$(ninja -t commands qemu-system-ppc64 | sed -n 's/ -MD -MQ .* -c qapi\/qapi-builtin-types\.c$//p')
	[ -n "$compile" ] || { say "QEMU's way to compile qapi-builtin-types.c is not seen"; return 1; }
	# Under another name until it is whole: the compiler does not forgive half of one.
	quietly make -f - <<-EOF
		$header.gch: ; $compile -x c-header -MD -MF osdep.d -MT \$@ -o new.gch $header && mv new.gch \$@
		-include osdep.d
	EOF
}

# The tree's lock is held: two builds in one tree would spoil each other.
make_qemu() {
	local tmp=$1 tree=$2

	(
		flock 9
		patch_qemu "$tree" "$tmp/want" || exit 1
		mkdir -p "$tree/src/b"
		cd "$tree/src/b" || exit 1
		if [ ! -f build.ninja ]; then
			quietly ../configure "${QEMU_CONFIGURE[@]}" || { rm -f build.ninja; exit 1; }
		fi
		precompile_qemu || exit 1
		doing qemu "$tree/ninja.log"
		ninja -j"$JOBS" qemu-system-ppc64 > "$tree/ninja.log" 2>&1 || {
			grep -A 30 -m 1 '^FAILED' "$tree/ninja.log" >&2
			say "QEMU does not build (all of it: $tree/ninja.log)"
			exit 1
		}
		cp qemu-system-ppc64 "$tmp/qemu-system-ppc64"
	) 9> "$tree/lock"
}

setup_qemu() {
	local tree key

	key=$(key_of fetch_source make_qemu_tree qemu/lab.mak "${QEMU_CONFIGURE[@]}")
	tree=$(product qemu-tree "$key" make_qemu_tree)
	key=$(key_of "$key" make_qemu patch_qemu precompile_qemu qemu/spapr-lpm.patch qemu/spapr_lpm.c qemu/spapr_lpm.h)
	product qemu "$key" make_qemu "$tree"
}
