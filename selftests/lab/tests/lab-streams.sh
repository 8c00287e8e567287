#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # functions are called by check
#
# Streams as PAPR has them: what may follow on a state, what is left of a stream at its end, a cancellation that takes
# its time, calls that fail.

ID=0x5678
. "$(dirname "$0")/lib.sh"

late() { # the hypervisor entered the present state after the partition had resumed
	test "$(field t_resume_us)" -lt "$(field t_state_us)"
}

check "a new stream is Enabled" ask stream $ID enabled
check "  it does not go back to nothing" refused "Suspended cannot follow Enabled" stream $ID suspended
check "  nor to the end" refused "Completed cannot follow Enabled" stream $ID completed
check "  and is Enabled still" is state 1
check "Suspending follows" ask stream $ID suspending
check "  not Resumed, which needs a suspension" refused "Resumed cannot follow Suspending" stream $ID resumed
check "  not Enabled" refused "Enabled cannot follow Suspending" stream $ID enabled
check "Aborted follows" ask stream $ID aborted
check "  and is the end" refused "Suspending cannot follow Aborted" stream $ID suspending
check "  which nothing can be resumed from" refused "Resumed cannot follow Aborted" stream $ID resumed
check "  a new stream may have the ID" ask stream $ID enabled
check "  with counters of its own" is polls 0

check "or is found in a state that cannot follow" ask found $ID resumed
check "  from which PAPR goes on" refused "Aborted cannot follow Resumed" stream $ID aborted
check "  to the end" ask stream $ID completed
check "  and not back" refused "Resumed cannot follow Completed" stream $ID resumed
check "or Suspended" ask found $ID suspended
check "  which the lab does not abort" refused "Aborted cannot follow Suspended" stream $ID aborted
check "  nor forget" refused "Invalid cannot follow Suspended" stream $ID invalid
check "  but resume" ask stream $ID resumed
check "or Invalid" ask found $ID invalid
check "  which does not move" refused "Suspending cannot follow Invalid" stream $ID suspending
check "  nor end" refused "Aborted cannot follow Invalid" stream $ID aborted
check "  but for a new stream" ask stream $ID enabled
ask stream $ID aborted

check "moves in place" in_place
check "  Completed, after Resumed" is state 6
check "  later than the resumption" late
check "  which is read once" is known 0
check "  and then not known any more" fails_with "Invalid argument"
check "  nothing but a new stream follows" refused "Suspending cannot follow Completed" stream $ID suspending

check "moves, Completed at once" in_place resumed-ms=skip
check "  Completed" is state 6
check "  before it ran" test "$(field t_state_us)" -lt "$(field t_resume_us)"

ask stream $ID enabled
ask fail-state -1 1
check "H_VASI_STATE fails" fails_with "Input/output error"
ask stream $ID suspending
check "  once: then the partition moves" write
check "  status 0 is no failure" refused "no failure" fail-state 0 1

ask stream $ID enabled
ask stream $ID suspending
ask reject -9000 9
ask cancel-delay 8000
check "a cancellation is asked for" fails_with "Input/output error"
check "  with its reason" is cancel-reason 0x6000005
check "  but not done yet" is state 3
check "  and is done later" wait_for is state 2
check "  no number" refused "no number" cancel-delay soon

done_testing
