/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lab: partition migration as a pseries guest sees it.
 *
 * PowerVM's part of a migration that QEMU lacks: H_VASI_STATE and H_VASI_SIGNAL for streams, the RTAS calls
 * ibm,update-nodes, ibm,update-properties and ibm,activate-firmware, the device tree of a partition that can
 * migrate. Nobody here decides anything: a harness outside plays HMC and mover over QMP and tells this file
 * what to answer (qom-set, path /machine, property lpm; one command a line or between semicolons):
 *
 *   stream ID STATE          the stream is in this VASI state (a number) from now on, if PAPR allows it
 *   found ID STATE           the same, whatever the stream's past
 *   gone ID                  the stream is no longer known
 *   reject STATUS COUNT      the next COUNT calls of ibm,suspend-me fail with STATUS
 *   fail-cancel STATUS COUNT the next COUNT calls of H_VASI_SIGNAL fail with STATUS
 *   fail-state STATUS COUNT  the next COUNT calls of H_VASI_STATE fail with STATUS
 *   cancel-delay MS          a stream that is cancelled is Aborted so much later
 *   update PATH NAME HEX     the property is reported by the update calls with this value; "-": it is gone
 *   delete PATH              the node is reported as gone, with all below it
 *   add PATH                 the node is reported as new; the updates of that path are its properties
 *   pvr VALUE                the processors' version register; 0: QEMU's own
 *   home CPU NODE            what H_HOME_NODE_ASSOCIATIVITY answers for this processor
 *   clear-updates            nothing is reported any more
 *   chunk NODES PROPERTIES   at most so many in an answer (0: what fits), so that "call again" is needed
 *   copy-on 0|1              while it is 1, QEMU's pre-copy goes on, however little is left
 *
 * and qom-get of the same property answers with a line for each stream and one for the update calls. Times
 * are microseconds of the host's clock: they are taken here because the guest's own clock stands still when
 * the guest does.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/notify.h"
#include "qemu/timer.h"
#include "exec/cpu-common.h"
#include "hw/core/cpu.h"
#include "hw/ppc/fdt.h"
#include "hw/ppc/ppc.h"
#include "hw/ppc/spapr.h"
#include "hw/ppc/spapr_cpu_core.h"
#include "hw/ppc/spapr_lpm.h"
#include "hw/ppc/xive.h"
#include "hw/ppc/xive_regs.h"
#include "migration/misc.h"
#include "sysemu/numa.h"
#include "sysemu/runstate.h"
#include <libfdt.h>

#define VASI_SIGNAL_CANCEL      1
#define RTAS_NOT_SUSPENDABLE    (-9004)
#define RTAS_MORE               1

#define WORK_AREA               4096
#define MAX_STREAMS             64
#define MAX_CPUS                64
#define MAX_UPDATES             256
#define MAX_CHANGES             64
#define MAX_VALUE               65536

#define NODE_DELETE             0x01000000u
#define NODE_UPDATE             0x02000000u
#define NODE_ADD                0x03000000u
#define SCOPE_MIGRATION         1
#define LAB_DRC                 0x60000000u
#define PROP_REMOVED            0x80000000u

typedef struct Stream {
    uint64_t id;
    unsigned state;
    unsigned polls;
    unsigned suspends;
    unsigned reason;
    int64_t t_state;
    int64_t t_suspending;
    int64_t t_first_join;
    int64_t t_suspend;
    int64_t t_resume;
    int64_t t_last_back;
    int64_t cancel_at; /* milliseconds of QEMU_CLOCK_REALTIME; 0: no cancellation under way */
    bool joining;
    bool over;         /* the partition has read that it is Completed, and does not find it again */
} Stream;

typedef struct Update {
    char *path;
    char *name;
    bool removed;
    uint32_t len;
    uint8_t *value;
} Update;

/* A node that goes or comes. */
typedef struct Change {
    char *path;
    bool add;
    uint32_t drc;
    unsigned next; /* what ibm,configure-connector tells next: 0 the name, then the properties */
} Change;

/* An error that is injected into the next calls. */
typedef struct Fault {
    int status;
    unsigned count;
} Fault;

/* One machine in a process: no need to hang this from the machine's state. All of it is under the BQL... */
static Stream streams[MAX_STREAMS];
static unsigned nr_streams;
static Update updates[MAX_UPDATES];
static unsigned nr_updates;
static Change changes[MAX_CHANGES];
static unsigned nr_changes;
static Fault reject, fail_cancel, fail_state;
static unsigned cancel_delay;
static QEMUTimer *cancel_timer;
static unsigned max_nodes, max_props;
static uint32_t pvr; /* 0: QEMU's own */
static unsigned nodes_calls, props_calls, activate_calls;
static char *root_model, *root_system_id;

/* ...but this: the processors that have not run yet since the partition goes on, and when the last one so far ran. */
static struct {
    uint64_t stream;
    bool cpu[MAX_CPUS];
    unsigned count;
    int64_t t_back;
} away;

/* QEMU's migration thread reads and writes these, without the BQL. */
static bool copy_on, copy_converged;

static int64_t now_us(void)
{
    return qemu_clock_get_us(QEMU_CLOCK_HOST);
}

static bool fault_take(Fault *fault, int *status)
{
    if (!fault->count) {
        return false;
    }
    fault->count--;
    *status = fault->status;
    return true;
}

/*
 * Streams
 */

static Stream *stream_find(uint64_t id)
{
    for (unsigned i = 0; i < nr_streams; i++) {
        if (streams[i].id == id) {
            return &streams[i];
        }
    }
    return NULL;
}

static void stream_enter(Stream *s, unsigned state)
{
    s->state = state;
    s->t_state = now_us();
    if (state == H_VASI_SUSPENDING) {
        s->t_suspending = s->t_state;
    }
}

static Stream *stream_suspending(void)
{
    for (unsigned i = 0; i < nr_streams; i++) {
        if (streams[i].state == H_VASI_SUSPENDING) {
            return &streams[i];
        }
    }
    return NULL;
}

/* Cancellations whose time has come; what has been suspended meanwhile can no longer be cancelled. */
static void cancel_due(void *opaque)
{
    int64_t now = qemu_clock_get_ms(QEMU_CLOCK_REALTIME);

    for (unsigned i = 0; i < nr_streams; i++) {
        Stream *s = &streams[i];

        if (s->cancel_at > now) {
            timer_mod_anticipate(cancel_timer, s->cancel_at);
        } else if (s->cancel_at) {
            s->cancel_at = 0;
            if (s->state == H_VASI_ENABLED || s->state == H_VASI_SUSPENDING) {
                stream_enter(s, H_VASI_ABORTED);
            }
        }
    }
}

static void stream_cancel(Stream *s, unsigned reason)
{
    s->reason = reason;
    if (!cancel_delay) {
        stream_enter(s, H_VASI_ABORTED);
    } else if (!s->cancel_at) {
        s->cancel_at = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + cancel_delay;
        timer_mod_anticipate(cancel_timer, s->cancel_at);
    }
}

/*
 * What may follow on a state. A stream that nobody knew can be in any state, Resumed and Completed too: a server tells
 * them to a partition that comes to it. After the end an ID can be used for a new stream. PAPR lets a Suspended partition
 * go on where it was, with a stream that is Aborted; nobody plays that here.
 */
static bool may_follow(const Stream *s, unsigned state)
{
    static const uint8_t follow[] = {
        [H_VASI_ENABLED]    = 1 << H_VASI_ENABLED | 1 << H_VASI_SUSPENDING | 1 << H_VASI_ABORTED | 1 << H_VASI_INVALID,
        [H_VASI_SUSPENDING] = 1 << H_VASI_SUSPENDED | 1 << H_VASI_ABORTED | 1 << H_VASI_INVALID,
        [H_VASI_SUSPENDED]  = 1 << H_VASI_RESUMED | 1 << H_VASI_COMPLETED,
        [H_VASI_RESUMED]    = 1 << H_VASI_COMPLETED,
        [H_VASI_INVALID]    = 1 << H_VASI_ENABLED,
        [H_VASI_ABORTED]    = 1 << H_VASI_ENABLED,
        [H_VASI_COMPLETED]  = 1 << H_VASI_ENABLED,
    };

    return state == s->state || follow[s->state] & 1 << state;
}

static target_ulong h_vasi_state(PowerPCCPU *cpu, SpaprMachineState *spapr, target_ulong opcode,
                                 target_ulong *args)
{
    Stream *s = stream_find(args[0]);
    int status;

    if (s) {
        s->polls++;
    }
    if (fault_take(&fail_state, &status)) {
        return status;
    }
    if (!s || s->over) {
        return H_PARAMETER;
    }
    s->over = s->state == H_VASI_COMPLETED;
    args[0] = s->state;
    return H_SUCCESS;
}

/* A partition may cancel, nothing else, and only what has not happened yet. */
static target_ulong h_vasi_signal(PowerPCCPU *cpu, SpaprMachineState *spapr, target_ulong opcode,
                                  target_ulong *args)
{
    Stream *s = stream_find(args[0]);
    int status;

    if (!s || args[1] != VASI_SIGNAL_CANCEL) {
        return H_PARAMETER;
    }
    if (fault_take(&fail_cancel, &status)) {
        return status;
    }
    if (s->state != H_VASI_ENABLED && s->state != H_VASI_SUSPENDING) {
        return H_PARAMETER;
    }
    stream_cancel(s, args[2]);
    return H_SUCCESS;
}

/*
 * H_JOIN. The first of an attempt counts: a processor that comes back early, for a stray H_PROD, joins again in the
 * same attempt. Each attempt ends in ibm,suspend-me.
 */
void spapr_lpm_join(void)
{
    Stream *s = stream_suspending();

    if (s && !s->joining) {
        s->joining = true;
        s->t_first_join = now_us();
    }
}

/* Injected errors come before the check that all CPUs have joined, whose answer depends on the moment. */
int spapr_lpm_suspend_called(void)
{
    Stream *s = stream_suspending();
    int status;

    if (s) {
        s->suspends++;
        s->joining = false;
    }
    return fault_take(&reject, &status) ? status : RTAS_OUT_SUCCESS;
}

int spapr_lpm_suspend_me(void)
{
    Stream *s = stream_suspending();

    if (!s) {
        return RTAS_NOT_SUSPENDABLE;
    }
    s->t_suspend = now_us();
    stream_enter(s, H_VASI_SUSPENDED);
    return RTAS_OUT_SUCCESS;
}

/* A processor that the guest has taken offline (or never started) does not come back. */
static bool cpu_online(CPUState *cs)
{
    return !cs->halted || !(POWERPC_CPU(cs)->env.spr[SPR_PSSCR] & PSSCR_EC);
}

/* Puts down when the last processor was back, as soon as that is known. */
static void last_back_settle(void)
{
    Stream *s = stream_find(away.stream);

    if (s && s->t_resume && !qatomic_load_acquire(&away.count)) {
        s->t_last_back = away.t_back;
    }
}

/* No processor runs yet. */
static void all_are_away(const Stream *s)
{
    CPUState *cs;

    last_back_settle();
    away.stream = s->id;
    away.t_back = 0;
    away.count = 0;
    CPU_FOREACH(cs) {
        away.cpu[cs->cpu_index] = cpu_online(cs);
        away.count += away.cpu[cs->cpu_index];
    }
}

/* A processor is about to run, outside the BQL; for most calls there is nothing to do. */
void spapr_lpm_cpu_runs(CPUState *cs)
{
    if (qatomic_read(&away.count) && qatomic_xchg(&away.cpu[cs->cpu_index], false)) {
        int64_t now = now_us(), last = qatomic_read(&away.t_back);

        while (last < now) {
            last = qatomic_cmpxchg(&away.t_back, last, now);
        }
        qatomic_dec(&away.count);
    }
}

/* The partition runs (again). The harness has put its stream into Resumed before, or into Completed at once. */
static void partition_runs(void)
{
    for (unsigned i = 0; i < nr_streams; i++) {
        bool here = streams[i].state == H_VASI_RESUMED || streams[i].state == H_VASI_COMPLETED;

        if (here && !streams[i].t_resume) {
            streams[i].t_resume = now_us();
            all_are_away(&streams[i]);
        }
    }
}

/* The guest reads the register itself. What it brings from another process is the other server's. */
static void set_pvr(void)
{
    CPUState *cs;

    CPU_FOREACH(cs) {
        POWERPC_CPU(cs)->env.spr[SPR_PVR] = pvr ?: POWERPC_CPU_GET_CLASS(cs)->pvr;
    }
}

/*
 * Of a CPU's interrupts QEMU's migration stream has what the interrupt controller knows, but not what the CPU itself
 * has pending. What it lacks is raised again when the machine begins to run, once too often does no harm:
 * - The decrementer. A CPU that waits for it would sleep for ever.
 * - An external interrupt that came while the CPU was joined. XIVE has presented it: the same source, which may be the
 *   CPU's IPI, is silent until the CPU has taken it.
 */
static void raise_again(PowerPCCPU *cpu)
{
    XiveTCTX *tctx = spapr_cpu_state(cpu)->tctx;

    cpu_ppc_store_decr(&cpu->env, 1);
    if (tctx) {
        xive_tctx_ipb_update(tctx, TM_QW1_OS, 0);
    }
}

static void machine_state_changed(void *opaque, bool running, RunState state)
{
    CPUState *cs;

    if (!running) {
        return;
    }
    set_pvr();
    partition_runs();
    CPU_FOREACH(cs) {
        raise_again(POWERPC_CPU(cs));
    }
}

/* Goes on in the same process after system_wakeup: that is no change of the machine's state. */
static void machine_woke(Notifier *notifier, void *data)
{
    partition_runs();
}

static Notifier wakeup_notifier = { .notify = machine_woke };

/*
 * The copy of the memory. QEMU would stop the guest itself once little enough is left; here it is the partition that
 * decides when it stands still.
 */

bool spapr_lpm_copy_on(bool converged)
{
    if (!qatomic_read(&copy_on)) {
        return false;
    }
    if (converged) {
        qatomic_set(&copy_converged, true);
    }
    return true;
}

/*
 * Device-tree updates. The work area of both calls is 4 KiB, big-endian. Where an answer does not hold all,
 * the status says so and the caller hands the same area back: our place in the list is in a field of it that
 * is the firmware's own.
 */

/* The tree in QEMU's hands is the one of the boot. The phandle of a node that was added since is its address. */
static uint32_t phandle_of(SpaprMachineState *spapr, const char *path)
{
    int offset = spapr->fdt_blob ? fdt_path_offset(spapr->fdt_blob, path) : -1;
    const char *address = strrchr(path, '@');

    if (offset >= 0) {
        return fdt_get_phandle(spapr->fdt_blob, offset);
    }
    return address ? strtoul(address + 1, NULL, 16) : 0;
}

static uint32_t phandle_of_parent(SpaprMachineState *spapr, const char *path)
{
    g_autofree char *parent = g_path_get_dirname(path);

    return phandle_of(spapr, parent);
}

static bool is_added(const char *path)
{
    for (unsigned i = 0; i < nr_changes; i++) {
        if (changes[i].add && !strcmp(changes[i].path, path)) {
            return true;
        }
    }
    return false;
}

static bool first_of_its_node(unsigned i)
{
    for (unsigned j = 0; j < i; j++) {
        if (!strcmp(updates[j].path, updates[i].path)) {
            return false;
        }
    }
    return true;
}

/* Index of the first update of a further node, at or after i; nr_updates if there is none. */
static unsigned next_node(SpaprMachineState *spapr, unsigned i)
{
    for (; i < nr_updates; i++) {
        if (first_of_its_node(i) && !is_added(updates[i].path) && phandle_of(spapr, updates[i].path)) {
            break;
        }
    }
    return i;
}

static unsigned next_of_node(SpaprMachineState *spapr, unsigned i, uint32_t phandle)
{
    for (; i < nr_updates; i++) {
        if (phandle_of(spapr, updates[i].path) == phandle) {
            break;
        }
    }
    return i;
}

/* One entry of what ibm,update-nodes reports. */
typedef struct Entry {
    uint32_t action;
    uint32_t phandle;
    uint32_t drc; /* of NODE_ADD alone */
} Entry;

static unsigned list_changes(SpaprMachineState *spapr, Entry *e, bool add)
{
    unsigned n = 0;

    for (unsigned i = 0; i < nr_changes; i++) {
        const Change *c = &changes[i];

        if (c->add != add) {
            continue;
        }
        e[n++] = add ? (Entry) { NODE_ADD, phandle_of_parent(spapr, c->path), c->drc } :
                       (Entry) { NODE_DELETE, phandle_of(spapr, c->path) };
    }
    return n;
}

/* All there is to report: what goes, what is different, what comes. */
static unsigned list_entries(SpaprMachineState *spapr, Entry *e)
{
    unsigned n = list_changes(spapr, e, false);

    for (unsigned i = next_node(spapr, 0); i < nr_updates; i = next_node(spapr, i + 1)) {
        e[n++] = (Entry) { NODE_UPDATE, phandle_of(spapr, updates[i].path) };
    }
    return n + list_changes(spapr, e + n, true);
}

/*
 * Puts entries from i on into the area, below an operation word for each kind; returns the first that it has no room
 * for. The word after the last one stays 0.
 */
static unsigned put_entries(uint8_t *area, unsigned at, const Entry *e, unsigned i, unsigned end)
{
    unsigned head = 0;

    for (; i < end && at + 4 * 4 <= WORK_AREA; i++) {
        if (!head || (ldl_be_p(area + head) & 0xff000000u) != e[i].action) {
            head = at;
            stl_be_p(area + head, e[i].action);
            at += 4;
        }
        stl_be_p(area + head, ldl_be_p(area + head) + 1);
        stl_be_p(area + at, e[i].phandle);
        at += 4;
        if (e[i].action == NODE_ADD) {
            stl_be_p(area + at, e[i].drc);
            at += 4;
        }
    }
    return i;
}

static void rtas_ibm_update_nodes(PowerPCCPU *cpu, SpaprMachineState *spapr, uint32_t token,
                                  uint32_t nargs, target_ulong args, uint32_t nret,
                                  target_ulong rets)
{
    enum { STATE = 0, OPERATION = 16 };
    g_autofree Entry *entries = g_new(Entry, MAX_CHANGES + MAX_UPDATES);
    uint8_t area[WORK_AREA];
    unsigned i, nr, end;
    hwaddr addr;

    if (nargs != 2 || nret != 1) {
        rtas_st(rets, 0, RTAS_OUT_PARAM_ERROR);
        return;
    }
    nodes_calls++;

    addr = ppc64_phys_to_real(rtas_ld(args, 0));
    cpu_physical_memory_read(addr, area, sizeof(area));
    /* Whatever else a scope is for, it has not happened here. */
    nr = rtas_ld(args, 1) == SCOPE_MIGRATION ? list_entries(spapr, entries) : 0;
    i = MIN(ldl_be_p(area + STATE), nr);
    end = max_nodes ? MIN(nr, i + max_nodes) : nr;
    memset(area, 0, sizeof(area));
    i = put_entries(area, OPERATION, entries, i, end);
    stl_be_p(area + STATE, i);
    cpu_physical_memory_write(addr, area, sizeof(area));
    rtas_st(rets, 0, i < nr ? RTAS_MORE : RTAS_OUT_SUCCESS);
}

/* An answer of ibm,update-properties while it is being filled. */
typedef struct Answer {
    uint8_t area[WORK_AREA];
    unsigned used;
    unsigned props;
} Answer;

static unsigned answer_room(const Answer *a)
{
    return sizeof(a->area) - a->used;
}

static void answer_put(Answer *a, const void *data, unsigned len)
{
    memcpy(a->area + a->used, data, len);
    a->used += len;
}

static void answer_descriptor(Answer *a, const char *name, uint32_t descriptor, const void *value,
                              uint32_t len)
{
    uint8_t be[4];

    stl_be_p(be, descriptor);
    answer_put(a, name, strlen(name) + 1);
    answer_put(a, be, sizeof(be));
    answer_put(a, value, len);
    a->props++;
}

/*
 * Puts as much of the value from *offset on as there is room for. True when that was the rest of it. A part
 * that is not the last has the two's complement of its length as its descriptor.
 */
static bool answer_update(Answer *a, const Update *u, uint32_t *offset)
{
    unsigned head = strlen(u->name) + 1 + 4;
    uint32_t rest = u->len - *offset, part;

    if (answer_room(a) < head + MIN(rest, 4)) {
        return false;
    }
    if (u->removed || !u->len) {
        answer_descriptor(a, u->name, u->removed ? PROP_REMOVED : 0, NULL, 0);
        return true;
    }
    part = MIN(rest, answer_room(a) - head);
    answer_descriptor(a, u->name, part < rest ? -part : part, u->value + *offset, part);
    *offset += part;
    return part == rest;
}

static void rtas_ibm_update_properties(PowerPCCPU *cpu, SpaprMachineState *spapr, uint32_t token,
                                       uint32_t nargs, target_ulong args, uint32_t nret,
                                       target_ulong rets)
{
    enum { PHANDLE = 0, STATE = 4, PLACE = 8, NR_PROPS = 16, PROPS = 20 };
    g_autofree Answer *a = g_new0(Answer, 1);
    uint32_t phandle, offset;
    bool first;
    hwaddr addr;
    unsigned i;

    if (nargs != 2 || nret != 1) {
        rtas_st(rets, 0, RTAS_OUT_PARAM_ERROR);
        return;
    }
    props_calls++;

    addr = ppc64_phys_to_real(rtas_ld(args, 0));
    cpu_physical_memory_read(addr, a->area, PROPS);
    phandle = ldl_be_p(a->area + PHANDLE);
    first = !ldl_be_p(a->area + STATE);
    i = first ? 0 : ldl_be_p(a->area + PLACE);
    offset = first ? 0 : ldl_be_p(a->area + PLACE + 4);

    i = rtas_ld(args, 1) == SCOPE_MIGRATION ? next_of_node(spapr, i, phandle) : nr_updates;
    if (i < nr_updates && offset > updates[i].len) {
        rtas_st(rets, 0, RTAS_OUT_PARAM_ERROR);
        return;
    }
    a->used = PROPS;
    if (first && i < nr_updates) {
        /* The first descriptor of a node has no name and the node's path as its value. */
        answer_descriptor(a, "", strlen(updates[i].path) + 1, updates[i].path,
                          strlen(updates[i].path) + 1);
    }
    while (i < nr_updates && !(max_props && a->props >= max_props + first)) {
        if (!answer_update(a, &updates[i], &offset)) {
            break;
        }
        offset = 0;
        i = next_of_node(spapr, i + 1, phandle);
    }
    stl_be_p(a->area + STATE, i < nr_updates);
    stl_be_p(a->area + PLACE, i);
    stl_be_p(a->area + PLACE + 4, offset);
    stl_be_p(a->area + NR_PROPS, a->props);
    cpu_physical_memory_write(addr, a->area, sizeof(a->area));
    rtas_st(rets, 0, i < nr_updates ? RTAS_MORE : RTAS_OUT_SUCCESS);
}

/* Index of the n-th update of that path, nr_updates if there are fewer. */
static unsigned update_of(const char *path, unsigned n)
{
    unsigned i;

    for (i = 0; i < nr_updates; i++) {
        if (!strcmp(updates[i].path, path) && !n--) {
            break;
        }
    }
    return i;
}

/*
 * ibm,configure-connector for a node that was added: its name, then a property with each call, then the end. The work
 * area has the offset of the name in the third word, length and offset of the value behind it. A property that does not
 * fit into the area is an error.
 */
bool spapr_lpm_connector(uint32_t drc_index, uint64_t work_area, int *status)
{
    enum { NAME = 2, LENGTH, VALUE, DATA = 5 * 4, NEXT_CHILD = 2, NEXT_PROPERTY };
    hwaddr data = ppc64_phys_to_real(work_area + DATA);
    Change *c = NULL;
    const Update *u;
    unsigned i;

    for (i = 0; i < nr_changes && !c; i++) {
        c = changes[i].add && changes[i].drc == drc_index ? &changes[i] : NULL;
    }
    if (!c) {
        return false;
    }
    rtas_st(work_area, NAME, DATA);
    if (!c->next++) {
        const char *name = strrchr(c->path, '/') + 1;

        cpu_physical_memory_write(data, name, strlen(name) + 1);
        *status = NEXT_CHILD;
        return true;
    }
    i = update_of(c->path, c->next - 2);
    if (i == nr_updates) {
        c->next = 0;
        *status = RTAS_OUT_SUCCESS;
        return true;
    }
    u = &updates[i];
    if (DATA + strlen(u->name) + 1 + u->len > WORK_AREA) {
        c->next = 0;
        *status = RTAS_OUT_HW_ERROR;
        return true;
    }
    cpu_physical_memory_write(data, u->name, strlen(u->name) + 1);
    data += strlen(u->name) + 1;
    rtas_st(work_area, LENGTH, u->len);
    rtas_st(work_area, VALUE, DATA + strlen(u->name) + 1);
    cpu_physical_memory_write(data, u->value, u->len);
    *status = NEXT_PROPERTY;
    return true;
}

static void rtas_ibm_activate_firmware(PowerPCCPU *cpu, SpaprMachineState *spapr, uint32_t token,
                                       uint32_t nargs, target_ulong args, uint32_t nret,
                                       target_ulong rets)
{
    activate_calls++;
    rtas_st(rets, 0, RTAS_OUT_SUCCESS);
}

/*
 * The harness's side
 */

static void clear_updates(void)
{
    for (unsigned i = 0; i < nr_updates; i++) {
        g_free(updates[i].path);
        g_free(updates[i].name);
        g_free(updates[i].value);
    }
    nr_updates = 0;
    for (unsigned i = 0; i < nr_changes; i++) {
        g_free(changes[i].path);
    }
    nr_changes = 0;
}

static void change_node(const char *path, bool add, Error **errp)
{
    const char *address = strrchr(path, '@');

    if (path[0] != '/' || !path[1] || strlen(path) > 1024) {
        error_setg(errp, "lpm: no path of a node: %s", path);
        return;
    }
    if (add && (!address || !strtoul(address + 1, NULL, 16))) {
        error_setg(errp, "lpm: a new node needs an address, which is its phandle: %s", path);
        return;
    }
    if (nr_changes == MAX_CHANGES) {
        error_setg(errp, "lpm: no room for more than %u nodes that come or go", MAX_CHANGES);
        return;
    }
    changes[nr_changes++] = (Change) {
        .path = g_strdup(path), .add = add, .drc = add ? LAB_DRC | strtoul(address + 1, NULL, 16) : 0,
    };
}

static void do_delete(char **arg, Error **errp)
{
    change_node(arg[1], false, errp);
}

static void do_add(char **arg, Error **errp)
{
    change_node(arg[1], true, errp);
}

static bool parse_hex(Update *u, const char *hex, Error **errp)
{
    size_t digits = strlen(hex);

    if (digits % 2 || digits / 2 > MAX_VALUE) {
        error_setg(errp, "lpm: %zu digits are no value", digits);
        return false;
    }
    u->len = digits / 2;
    u->value = g_malloc0(u->len + 1);
    for (uint32_t i = 0; i < u->len; i++) {
        int high = g_ascii_xdigit_value(hex[2 * i]), low = g_ascii_xdigit_value(hex[2 * i + 1]);

        if (high < 0 || low < 0) {
            g_free(u->value);
            error_setg(errp, "lpm: not hexadecimal: %s", hex);
            return false;
        }
        u->value[i] = high << 4 | low;
    }
    return true;
}

/* A further command for the same property replaces the first. */
static Update *update_slot(const char *path, const char *name)
{
    for (unsigned i = 0; i < nr_updates; i++) {
        if (!strcmp(updates[i].path, path) && !strcmp(updates[i].name, name)) {
            g_free(updates[i].value);
            return &updates[i];
        }
    }
    if (nr_updates == MAX_UPDATES) {
        return NULL;
    }
    updates[nr_updates] = (Update) { .path = g_strdup(path), .name = g_strdup(name) };
    return &updates[nr_updates++];
}

static void do_update(char **arg, Error **errp)
{
    Update new = { .removed = !strcmp(arg[3], "-") }, *u;

    /* The name of a property has at most 31 characters, a path has to fit into an answer. */
    if (strlen(arg[1]) > 1024 || strlen(arg[2]) > 31 || !arg[2][0]) {
        error_setg(errp, "lpm: path or name too long: %s %s", arg[1], arg[2]);
        return;
    }
    if (!new.removed && !parse_hex(&new, arg[3], errp)) {
        return;
    }
    u = update_slot(arg[1], arg[2]);
    if (!u) {
        g_free(new.value);
        error_setg(errp, "lpm: no room for more than %u updates", MAX_UPDATES);
        return;
    }
    u->removed = new.removed;
    u->len = new.len;
    u->value = new.value;
}

static const char *const state_names[] = {
    "Invalid", "Enabled", "Aborted", "Suspending", "Suspended", "Resumed", "Completed",
};

static bool parse_id(const char *text, uint64_t *id, Error **errp)
{
    if (qemu_strtou64(text, NULL, 0, id)) {
        error_setg(errp, "lpm: no stream ID: %s", text);
        return false;
    }
    return true;
}

static void set_stream(char **arg, bool anew, Error **errp)
{
    unsigned state;
    uint64_t id;
    Stream *s;

    if (!parse_id(arg[1], &id, errp)) {
        return;
    }
    if (qemu_strtoui(arg[2], NULL, 0, &state) || state > H_VASI_COMPLETED) {
        error_setg(errp, "lpm: no VASI state: %s", arg[2]);
        return;
    }
    s = stream_find(id);
    if (!s) {
        if (nr_streams == MAX_STREAMS) {
            error_setg(errp, "lpm: no room for more than %u streams", MAX_STREAMS);
            return;
        }
        s = &streams[nr_streams++];
        *s = (Stream) { .id = id, .state = state };
    }
    if (!anew && !may_follow(s, state)) {
        error_setg(errp, "lpm: stream %s: %s cannot follow %s", arg[1], state_names[state], state_names[s->state]);
        return;
    }
    if (anew || state == H_VASI_ENABLED) {
        /* The ID may be that of an earlier migration. */
        *s = (Stream) { .id = id };
    }
    stream_enter(s, state);
}

static void do_stream(char **arg, Error **errp)
{
    set_stream(arg, false, errp);
}

static void do_found(char **arg, Error **errp)
{
    set_stream(arg, true, errp);
}

static void do_gone(char **arg, Error **errp)
{
    uint64_t id;
    Stream *s;

    if (!parse_id(arg[1], &id, errp)) {
        return;
    }
    s = stream_find(id);
    if (!s) {
        error_setg(errp, "lpm: no such stream: %s", arg[1]);
        return;
    }
    *s = streams[--nr_streams];
}

static void set_fault(Fault *fault, char **arg, Error **errp)
{
    Fault new;

    if (qemu_strtoi(arg[1], NULL, 0, &new.status) || qemu_strtoui(arg[2], NULL, 0, &new.count)) {
        error_setg(errp, "lpm: wanted STATUS COUNT: %s %s", arg[1], arg[2]);
        return;
    }
    *fault = new;
}

static void do_reject(char **arg, Error **errp)
{
    set_fault(&reject, arg, errp);
}

static void do_fail_cancel(char **arg, Error **errp)
{
    set_fault(&fail_cancel, arg, errp);
}

static void do_fail_state(char **arg, Error **errp)
{
    set_fault(&fail_state, arg, errp);
}

static void do_cancel_delay(char **arg, Error **errp)
{
    unsigned ms;

    if (qemu_strtoui(arg[1], NULL, 0, &ms)) {
        error_setg(errp, "lpm: wanted milliseconds: %s", arg[1]);
        return;
    }
    cancel_delay = ms;
}

static void do_clear_updates(char **arg, Error **errp)
{
    clear_updates();
}

static void do_chunk(char **arg, Error **errp)
{
    unsigned nodes, props;

    if (qemu_strtoui(arg[1], NULL, 0, &nodes) || qemu_strtoui(arg[2], NULL, 0, &props)) {
        error_setg(errp, "lpm: wanted NODES PROPERTIES: %s %s", arg[1], arg[2]);
        return;
    }
    max_nodes = nodes;
    max_props = props;
}

static void do_copy_on(char **arg, Error **errp)
{
    unsigned on;

    if (qemu_strtoui(arg[1], NULL, 0, &on) || on > 1) {
        error_setg(errp, "lpm: wanted 0 or 1: %s", arg[1]);
        return;
    }
    if (on) {
        qatomic_set(&copy_converged, false);
    }
    qatomic_set(&copy_on, on);
}

static void do_pvr(char **arg, Error **errp)
{
    uint64_t value;

    if (qemu_strtou64(arg[1], NULL, 0, &value) || value > UINT32_MAX) {
        error_setg(errp, "lpm: no PVR: %s", arg[1]);
        return;
    }
    pvr = value;
    set_pvr();
}

static void do_home(char **arg, Error **errp)
{
    MachineState *machine = MACHINE(qdev_get_machine());
    unsigned cpu, node;
    PowerPCCPU *c;

    if (qemu_strtoui(arg[1], NULL, 0, &cpu) || qemu_strtoui(arg[2], NULL, 0, &node) ||
        node >= machine->numa_state->num_nodes) {
        error_setg(errp, "lpm: wanted CPU NODE: %s %s", arg[1], arg[2]);
        return;
    }
    c = spapr_find_cpu(cpu);
    if (!c) {
        error_setg(errp, "lpm: no such processor: %u", cpu);
        return;
    }
    c->node_id = node;
}

static const struct {
    const char *verb;
    unsigned args;
    void (*run)(char **arg, Error **errp);
} commands[] = {
    { "stream", 2, do_stream },
    { "found", 2, do_found },
    { "gone", 1, do_gone },
    { "reject", 2, do_reject },
    { "fail-cancel", 2, do_fail_cancel },
    { "fail-state", 2, do_fail_state },
    { "cancel-delay", 1, do_cancel_delay },
    { "update", 3, do_update },
    { "delete", 1, do_delete },
    { "add", 1, do_add },
    { "pvr", 1, do_pvr },
    { "home", 2, do_home },
    { "clear-updates", 0, do_clear_updates },
    { "chunk", 2, do_chunk },
    { "copy-on", 1, do_copy_on },
};

static void run_command(char **arg, Error **errp)
{
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(commands[i].verb, arg[0])) {
            continue;
        }
        if (g_strv_length(arg) != commands[i].args + 1) {
            error_setg(errp, "lpm: %s takes %u arguments", arg[0], commands[i].args);
            return;
        }
        commands[i].run(arg, errp);
        return;
    }
    error_setg(errp, "lpm: unknown command: %s", arg[0]);
}

static void lpm_set(Object *obj, const char *value, Error **errp)
{
    g_auto(GStrv) lines = g_strsplit_set(value, ";\n", -1);
    Error *err = NULL;

    for (char **line = lines; *line && !err; line++) {
        g_auto(GStrv) arg = g_strsplit(g_strchug(*line), " ", -1);

        if (arg[0] && arg[0][0]) {
            run_command(arg, &err);
        }
    }
    error_propagate(errp, err);
}

static char *lpm_get(Object *obj, Error **errp)
{
    GString *text = g_string_new(NULL);

    last_back_settle();
    for (unsigned i = 0; i < nr_streams; i++) {
        const Stream *s = &streams[i];

        g_string_append_printf(text, "stream=0x%" PRIx64 " state=%u polls=%u suspends=%u "
                               "cancel-reason=0x%x known=%d t_state_us=%" PRId64
                               " t_suspending_us=%" PRId64 " t_first_join_us=%" PRId64
                               " t_suspend_us=%" PRId64 " t_resume_us=%" PRId64
                               " t_last_back_us=%" PRId64 "\n",
                               s->id, s->state, s->polls, s->suspends, s->reason, !s->over, s->t_state,
                               s->t_suspending, s->t_first_join, s->t_suspend, s->t_resume,
                               s->t_last_back);
    }
    g_string_append_printf(text, "calls update-nodes=%u update-properties=%u activate-firmware=%u converged=%d\n",
                           nodes_calls, props_calls, activate_calls, qatomic_read(&copy_converged));
    return g_string_free(text, false);
}

/* The property "lpm-look": set to "PATH NAME", it is that property of the tree of the boot, in hexadecimal. */
static char *look;

static void look_set(Object *obj, const char *value, Error **errp)
{
    g_auto(GStrv) arg = g_strsplit(value, " ", -1);
    void *fdt = SPAPR_MACHINE(obj)->fdt_blob;
    GString *text = g_string_new(NULL);
    const uint8_t *data = NULL;
    int node, len = 0;

    if (fdt && g_strv_length(arg) == 2) {
        node = fdt_path_offset(fdt, arg[0]);
        data = node < 0 ? NULL : fdt_getprop(fdt, node, arg[1], &len);
    }
    for (int i = 0; data && i < len; i++) {
        g_string_append_printf(text, "%02x", data[i]);
    }
    if (!data) {
        error_setg(errp, "lpm: no such property: %s", value);
    }
    g_free(look);
    look = g_string_free(text, false);
}

static char *look_get(Object *obj, Error **errp)
{
    return g_strdup(look ? look : "");
}

static char *get_string(char *const *value)
{
    return g_strdup(*value ? *value : "");
}

static char *get_model(Object *obj, Error **errp)
{
    return get_string(&root_model);
}

static void set_model(Object *obj, const char *value, Error **errp)
{
    g_free(root_model);
    root_model = g_strdup(value);
}

static char *get_system_id(Object *obj, Error **errp)
{
    return get_string(&root_system_id);
}

static void set_system_id(Object *obj, const char *value, Error **errp)
{
    g_free(root_system_id);
    root_system_id = g_strdup(value);
}

/*
 * Device tree
 */

/*
 * QEMU's CPUs have first-level caches only. One of 512 KiB behind each core, as on POWER9, gives a migration
 * something that is not in the CPU's own node. The node's address is its phandle too.
 */
static void dt_l2_cache(void *fdt, int cpus, const char *cpu_name)
{
    int cpu = fdt_subnode_offset(fdt, cpus, cpu_name), node;
    const fdt32_t *reg = fdt_getprop(fdt, cpu, "reg", NULL);
    uint32_t address = 0x2000 + (reg ? fdt32_to_cpu(*reg) : 0);
    g_autofree char *name = g_strdup_printf("l2-cache@%x", address);

    _FDT(fdt_setprop_cell(fdt, cpu, "l2-cache", address));
    node = fdt_add_subnode(fdt, cpus, name);
    _FDT(node);
    _FDT(fdt_setprop_string(fdt, node, "device_type", "cache"));
    _FDT(fdt_setprop_cell(fdt, node, "reg", address));
    _FDT(fdt_setprop_cell(fdt, node, "phandle", address));
    _FDT(fdt_setprop(fdt, node, "cache-unified", NULL, 0));
    _FDT(fdt_setprop_cell(fdt, node, "d-cache-size", 512 * 1024));
    _FDT(fdt_setprop_cell(fdt, node, "d-cache-sets", 512));
    _FDT(fdt_setprop_cell(fdt, node, "d-cache-line-size", 128));
    _FDT(fdt_setprop_cell(fdt, node, "d-cache-block-size", 128));
    _FDT(fdt_setprop_cell(fdt, node, "i-cache-size", 512 * 1024));
    _FDT(fdt_setprop_cell(fdt, node, "i-cache-sets", 512));
    _FDT(fdt_setprop_cell(fdt, node, "i-cache-line-size", 128));
    _FDT(fdt_setprop_cell(fdt, node, "i-cache-block-size", 128));
}

static void dt_l2_caches(void *fdt)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    int cpus = fdt_path_offset(fdt, "/cpus"), node;

    /* The names first: adding a node moves the others. */
    fdt_for_each_subnode(node, fdt, cpus) {
        const char *type = fdt_getprop(fdt, node, "device_type", NULL);

        if (type && !strcmp(type, "cpu")) {
            g_ptr_array_add(names, g_strdup(fdt_get_name(fdt, node, NULL)));
        }
    }
    for (unsigned i = 0; i < names->len; i++) {
        dt_l2_cache(fdt, cpus, g_ptr_array_index(names, i));
    }
}

void spapr_lpm_dt(SpaprMachineState *spapr, void *fdt)
{
    _FDT(fdt_setprop(fdt, 0, "ibm,migratable-partition", NULL, 0));
    _FDT(fdt_setprop_cell(fdt, 0, "ibm,partition-no", 1));
    if (root_model) {
        _FDT(fdt_setprop_string(fdt, 0, "model", root_model));
    }
    if (root_system_id) {
        _FDT(fdt_setprop_string(fdt, 0, "system-id", root_system_id));
    }
    dt_l2_caches(fdt);
}

void spapr_lpm_instance_init(Object *obj)
{
    object_property_add_str(obj, "lpm", lpm_get, lpm_set);
    object_property_set_description(obj, "lpm", "Lab: streams, faults and device-tree updates");
    object_property_add_str(obj, "lpm-look", look_get, look_set);
    object_property_set_description(obj, "lpm-look", "Lab: a property of the device tree");
    object_property_add_str(obj, "lpm-model", get_model, set_model);
    object_property_set_description(obj, "lpm-model", "Lab: model in the root node");
    object_property_add_str(obj, "lpm-system-id", get_system_id, set_system_id);
    object_property_set_description(obj, "lpm-system-id", "Lab: system-id in the root node");
}

void spapr_lpm_init(SpaprMachineState *spapr)
{
    spapr_register_hypercall(H_VASI_SIGNAL, h_vasi_signal);
    spapr_register_hypercall(H_VASI_STATE, h_vasi_state);
    spapr_rtas_register(RTAS_IBM_UPDATE_NODES, "ibm,update-nodes", rtas_ibm_update_nodes);
    spapr_rtas_register(RTAS_IBM_UPDATE_PROPERTIES, "ibm,update-properties",
                        rtas_ibm_update_properties);
    spapr_rtas_register(RTAS_IBM_ACTIVATE_FIRMWARE, "ibm,activate-firmware",
                        rtas_ibm_activate_firmware);
    cancel_timer = timer_new_ms(QEMU_CLOCK_REALTIME, cancel_due, NULL);
    g_assert(MACHINE(spapr)->smp.max_cpus <= MAX_CPUS);
    qemu_add_vm_change_state_handler(machine_state_changed, spapr);
    qemu_register_wakeup_notifier(&wakeup_notifier);
}
