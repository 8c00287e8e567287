# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What every part of the set-up shares: where the cache is, how a product gets into it, how Debian is asked.
#
# A product is a directory "NAME-KEY" in the cache. KEY is a hash of everything the product is made from
# that we control (the script that makes it, its patches, the list of packages), so a change makes a new
# product beside the old one and nobody who uses the old one is disturbed. A product is made under another
# name and renamed when it is complete: what exists is whole.

set -euo pipefail

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LAB_CACHE=${LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pmig-lab}
# shellcheck disable=SC2034 # for those who read this file
JOBS=$(nproc)
export LC_ALL=C
# A make above this would hand on its jobserver and its variables, O= among them, to each make here.
unset MAKEFLAGS MFLAGS MAKELEVEL

# On a terminal the line of tell() gives way.
say() {
	[ ! -t 2 ] || printf '\r\033[K' >&2
	echo "lab: $*" >&2
}

# tell TEXT : how things stand; the next line takes its place where that can be done
tell() {
	if [ -t 2 ]; then
		printf '\r\033[K%.*s' "$(tput cols 2> /dev/null || echo 80)" "lab: $*" >&2
	else
		echo "lab: $*" >&2
	fi
}

die() {
	say "$*"
	exit 1
}

# QEMU's options, apt's settings, sed and make each give one of these another meaning.
for path in "$LAB_CACHE" "${O:-}" "${TMPDIR:-}"; do
	[[ $path != *[[:space:],\&\#]* ]] || die "no directory of the lab's may have a space, ',', '&' or '#' in its path: $path"
done
mkdir -p "$LAB_CACHE/lock"
LAB_CACHE=$(cd "$LAB_CACHE" && pwd)

# The job of setup/jobs.sh that this is a part of, if any, and where it says what it does
JOB=''
JOBS_DIR=''

# doing TEXT [NINJA_LOG] : what this job does from now on; nothing any more with no TEXT
doing() {
	[ -n "$JOB" ] || return 0
	if [ -n "${1:-}" ]; then
		printf '%s\n' "$@" > "$JOBS_DIR/$JOB.doing"
	else
		rm -f "$JOBS_DIR/$JOB.doing"
	fi
}

# key_of WORD... : a short hash. A word that names a function of ours stands for what the function does, without
# its comments; one that names a file of the lab for what is in it; any other for itself.
key_of() {
	local word

	for word in "$@"; do
		if declare -F -- "$word" > /dev/null; then
			declare -f "$word"
		elif [ -f "$LAB_DIR/$word" ]; then
			echo "file $word"
			cat "$LAB_DIR/$word"
		else
			echo "word $word"
		fi
	done | sha256sum | cut -c1-12
}

# product NAME KEY MAKER [ARG...] : print the product's directory; make it by "MAKER TMPDIR ARG..." if missing
product() {
	local name=$1 key=$2 maker=$3 dir tmp start
	shift 3

	dir=$LAB_CACHE/$name-$key
	if [ ! -d "$dir" ]; then
		(
			flock -n 9 || {
				say "another run is making $name: waiting for it"
				doing "$name (another run)"
				flock 9
			}
			# Another run may have made it while we waited.
			[ -d "$dir" ] && exit 0
			# Whoever left these is gone: we hold the lock.
			rm -rf "$LAB_CACHE/tmp.$name-$key".*
			# Errors do not end this by themselves, for it is the left side of a ||, and a maker that got no
			# directory would work on the root of the host.
			tmp=$(mktemp -d "$LAB_CACHE/tmp.$name-$key.XXXXXX") || exit 1
			chmod 755 "$tmp" || exit 1
			start=$SECONDS
			say "making $name"
			doing "$name"
			PRODUCT_DIR=$dir "$maker" "$tmp" "$@" >&2 9>&- || exit 1
			mv -T "$tmp" "$dir" || exit 1
			find "$LAB_CACHE" "$LAB_CACHE/lock" -maxdepth 1 -mtime +7 \
				'(' -name "$name-????????????" -o -name "tmp.$name-????????????.??????" ')' \
				-exec rm -rf {} +
			doing
			say "made $name in $((SECONDS - start)) s"
		) 9> "$LAB_CACHE/lock/$name-$key" || die "could not make $name"
	fi
	# What nobody has used for a week goes when its successor is made. Root may have made it for a user.
	touch -c "$dir" 2> /dev/null || true
	echo "$dir"
}

# product_or_cached NAME KEY MAKER [ARG...] : as product; if it cannot be made, the last one there is. Debian drops a
# package some day, and a mirror can be out of reach.
product_or_cached() {
	local name=$1 dir

	if (product "$@"); then
		return
	fi
	dir=$(find "$LAB_CACHE" -maxdepth 1 -name "$name-????????????" -printf '%T@ %p\n' | sort -n |
		sed -n '$s/^[^ ]* //p')
	[ -n "$dir" ] || die "$name: not to be had (see above), and there is none in the cache"
	say "$name: not to be had (see above), so the one of $(date -r "$dir" +%F) in the cache serves on"
	echo "$dir"
}

# quietly COMMAND... : show what a command prints only if it fails
quietly() {
	local log

	log=$(mktemp "$LAB_CACHE/log.XXXXXX")
	if "$@" > "$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	tail -n 60 "$log" >&2
	say "failed: $* (all of it: $log)"
	return 1
}
