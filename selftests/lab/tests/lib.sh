# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What tests of the lab itself share: mainline's own path, and what the HMC says.

n=0
failed=0

check() { # check TEXT COMMAND...: what the command says is shown if it fails
	text=$1
	shift
	n=$((n + 1))
	if "$@" > /tmp/out 2>&1; then
		echo "ok $n - $text"
	else
		sed 's/^/# /' /tmp/out
		echo "not ok $n - $text"
		failed=$((failed + 1))
	fi
}

done_testing() {
	echo "1..$n"
	exit $((failed > 0))
}

ask() { hmc "$@" > /tmp/reply 2>&1; }

refused() { # refused PATTERN REQUEST...: exit status 1, with that text
	pattern=$1
	shift
	ask "$@"
	test $? = 1 && grep -q "$pattern" /tmp/reply
}

field() { # field NAME [ID]
	hmc stat "${2:-$ID}" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

is() { # is NAME VALUE [ID]
	test "$(field "$1" "$3")" = "$2"
}

write() { echo "${1:-$ID}" > /sys/kernel/mobility/migration; }

fails_with() { # fails_with TEXT [ID]: the write fails, and says this
	sh -c "echo ${2:-$ID} > /sys/kernel/mobility/migration" 2> /tmp/err && return 1
	grep -q "$1" /tmp/err
}

in_place() { # in_place [KEY=VALUE...]: moves, to a server that differs in this
	ask in-place blackout-ms=20 "$@" && ask stream $ID enabled && ask after 200 stream $ID suspending && write
}

wait_for() { # wait_for COMMAND...: 30 s at most
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		test $tries -lt 150 || return 1
		sleep 0.2
	done
}
