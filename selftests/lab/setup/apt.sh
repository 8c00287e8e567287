# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Packages of another architecture or release, fetched without touching the host's apt.
#
# Each (release, architecture) has an apt directory of its own in the cache. The addresses come from what the
# host's apt is configured with, so no mirror is named here; third parties' lists on the host play no part.
# The security suite's index for a port is now and then out of step with its mirror: when a fetch fails with
# it, the fetch is tried once more with the main suite alone, and for a day at once so.

# debian_uris : "LABEL URI" for each Debian archive that the host's apt uses (LABEL main or security)
debian_uris() {
	# shellcheck disable=SC2016 # $(...) is apt's own notation here
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2> /dev/null |
		awk -F'|' '
			$1 == "Debian" && $2 == "Debian" { print "main", $3 }
			$1 == "Debian" && $2 == "Debian-Security" { print "security", $3 }' | sort -u
}

# write_sources RELEASE TYPE WITH_SECURITY : lines for a sources.list; sid has no security suite
write_sources() {
	local release=$1 type=$2 with_security=$3 label uri

	debian_uris | while read -r label uri; do
		case $label in
		main)
			echo "$type [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $release main" ;;
		security)
			[ "$with_security" = yes ] && [ "$release" != sid ] || continue
			echo "$type [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $release-security main" ;;
		esac
	done
}

# apt_dir_setup DIR RELEASE ARCH TYPE WITH_SECURITY : a private apt; its index no older than a day
apt_dir_setup() {
	local dir=$1 release=$2 arch=$3 type=$4 with_security=$5

	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/etc"
	: > "$dir/status"
	write_sources "$release" "$type" "$with_security" > "$dir/sources.list"
	[ -s "$dir/sources.list" ] || die "apt knows no Debian archive here: run apt-get update first"
	cat > "$dir/apt.conf" <<-EOF
		Dir::State "$dir";
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Install-Recommends "false";
		APT::Sandbox::User "";
		APT::Get::Assume-Yes "true";
		Acquire::Languages "none";
		Acquire::Retries "3";
		APT::Update::Error-Mode "any";
	EOF
	if [ -z "$(find "$dir/updated" -mmin -1440 2> /dev/null)" ]; then
		quietly env APT_CONFIG="$dir/apt.conf" apt-get -q update || return 1
		touch "$dir/updated"
	fi
}

# with_apt RELEASE ARCH TYPE FUNCTION [ARG...] : call "FUNCTION APT_CONF ARG..."; once more without security. What goes
# well only then is for a day tried without it at once.
with_apt() {
	local release=$1 arch=$2 type=$3 fn=$4 dir both variant
	shift 4

	both=$LAB_CACHE/apt/$release-$arch-$type
	for variant in yes no; do
		dir=$both
		[ "$variant" = yes ] || dir+=-main
		mkdir -p "$dir"
		[ -w "$dir" ] || die "$dir belongs to $(stat -c %U "$dir"): go on as this user, or remove it"
		if [ "$variant" = yes ] && [ -n "$(find "$both/failed" -mmin -1440 2> /dev/null)" ]; then
			continue
		fi
		if (
			flock 8
			apt_dir_setup "$dir" "$release" "$arch" "$type" "$variant" || exit 1
			"$fn" "$dir/apt.conf" "$@" 8>&-
		) 8> "$dir/lock" 2> "$dir/errors"; then
			[ "$variant" = yes ] || touch "$both/failed"
			return 0
		fi
		if [ "$variant" = yes ]; then
			say "apt with $release-security for $arch failed (see $dir/errors), going on with $release alone"
		else
			cat "$dir/errors" >&2
		fi
	done
	return 1
}

# download_packages APT_CONF DIR PACKAGE... : exactly these
download_packages() {
	local conf=$1 dir=$2
	shift 2

	mkdir -p "$dir"
	(cd "$dir" && quietly env APT_CONFIG="$conf" apt-get -q download "$@")
}

# download_closure APT_CONF DIR PACKAGE... : these and all they depend on
download_closure() {
	local conf=$1 dir=$2
	shift 2

	mkdir -p "$dir/partial"
	quietly env APT_CONFIG="$conf" apt-get -q -o Dir::Cache::archives="$dir" \
		install --download-only "$@"
}

# what_depends APT_CONF PACKAGE PATTERN : the one dependency of a package whose name fits
what_depends() {
	local conf=$1 package=$2 pattern=$3

	APT_CONFIG=$conf apt-cache depends "$package" |
		sed -n "s/^ *Depends: \\(${pattern}\\)\$/\\1/p" | sort -V | tail -n 1
}

# unpack_packages DIR DEB... : no maintainer script is run; the top-level links of a merged /usr come first,
# and links that begin with / are made relative, so that the tree can be used from outside
unpack_packages() {
	local dir=$1 deb link target
	shift

	for link in bin sbin lib lib64; do
		mkdir -p "$dir/usr/$link"
		[ -L "$dir/$link" ] || ln -s "usr/$link" "$dir/$link"
	done
	for deb in "$@"; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$dir" || return 1
	done
	mkdir -p "$dir/etc"
	find "$dir/usr" "$dir/etc" -type l -lname '/*' | while read -r link; do
		target=$(readlink "$link")
		ln -sfnr "$dir$target" "$link"
	done
}
