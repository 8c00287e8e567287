# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests of installing share: a line of TAP for a command, counted in $tests and $failures.

# it NAME COMMAND... : the command succeeds
it() {
	local name=$1 out
	shift

	tests=$((tests + 1))
	if out=$("$@" 2>&1); then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		printf '%s\n' "$out" | tail -40 | sed 's/^/# /'
		failures=$((failures + 1))
	fi
}
