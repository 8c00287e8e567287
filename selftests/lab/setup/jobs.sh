# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Steps beside each other: `job NAME COMMAND...` begins one, `job_wait [NAME...]` waits for these (or for all),
# `job_output NAME` is what one printed. A job that fails ends them all. Who waits is told every few seconds what is
# being made and for how long: on a terminal in one line, in a log in a line now and then.

declare -A JOB_PID=()
JOBS_TICKER=''

jobs_begin() {
	JOBS_DIR=$(mktemp -d "$LAB_CACHE/jobs.XXXXXX")
	trap jobs_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	jobs_tell < /dev/null > /dev/null &
	JOBS_TICKER=$!
}

# What is left when the script ends has to end as well.
jobs_end() {
	local pid

	for pid in "${JOB_PID[@]}"; do
		kill -TERM -- "-$pid" 2> /dev/null || true
	done
	kill "$JOBS_TICKER" 2> /dev/null || true
	rm -rf "$JOBS_DIR"
}

# A job's process group is its own, so that all of it can be ended.
job() {
	local name=$1
	shift

	[ -n "$JOBS_DIR" ] || jobs_begin
	[ ! -e "$JOBS_DIR/$name.out" ] || return 0
	set -m
	(
		trap - EXIT INT TERM
		JOB=$name
		"$@" > "$JOBS_DIR/$name.out"
	) < /dev/null 9>&- &
	JOB_PID[$name]=$!
	set +m
}

job_wait() {
	local name

	[ $# -gt 0 ] || set -- "${!JOB_PID[@]}"
	for name; do
		while [ -n "${JOB_PID[$name]:-}" ]; do
			job_reap
		done
	done
}

# The next that ends; all of them are watched, whichever is waited for.
job_reap() {
	local name pid status=0

	wait -n -p pid "${JOB_PID[@]}" || status=$?
	for name in "${!JOB_PID[@]}"; do
		[ "${JOB_PID[$name]}" != "${pid:-}" ] || unset "JOB_PID[$name]"
	done
	[ $status = 0 ] || die "the set-up ends here: see above"
}

job_output() {
	[ ! -e "$JOBS_DIR/$1.out" ] || cat "$JOBS_DIR/$1.out"
}

# "[431/960] Compiling ..." in ninja's log : ", 529 of 960 objects left"
ninja_left() {
	tail -n 1 "$1" 2> /dev/null |
		sed -n 's/^\[\([0-9]*\)\/\([0-9]*\)\].*/\1 \2/p' | {
			read -r done all && echo ", $((all - done)) of $all objects left"
		}
}

what_is_done() {
	local file text log line=''

	for file in "$JOBS_DIR"/*.doing; do
		{ read -r text; read -r log; } 2> /dev/null < "$file" || true
		[ -n "${text:-}" ] || continue
		line+="${line:+; }$text$([ -z "${log:-}" ] || ninja_left "$log")"
	done
	echo "$line"
}

jobs_tell() {
	local every=15 start=$SECONDS nap='' line

	[ ! -t 2 ] || every=1
	# Nothing stays: who reads our stderr through a pipe would wait for it.
	trap 'kill "$nap" 2> /dev/null; exit' TERM
	while true; do
		sleep "$every" 2> /dev/null &
		nap=$!
		wait "$nap"
		line=$(what_is_done)
		[ -z "$line" ] || tell "$((SECONDS - start)) s so far, making $line"
	done
}
