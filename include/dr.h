/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libdr: how an application learns that its partition is about to move to another server, and that it has.
 *
 * Two ways, which may be mixed in one program:
 *
 *  1. As on AIX: catch SIGRECONFIG with sigaction() or signal(), and in the handler call
 *     dr_reconfig(DR_QUERY, &info), then dr_reconfig(DR_RECONFIG_DONE, &info). Linking libdr is enough:
 *     a process registers by catching the signal, and ends the registration by ignoring it (but not while an
 *     event waits for an answer, because a handler may ignore the signal while it runs). Without a daemon
 *     sigaction() succeeds all the same, and the next call about SIGRECONFIG tries again. The call that first
 *     catches the signal talks to the daemon (for at most 5 s), so do not make it in a signal handler. A child
 *     after fork() registers with its own next sigaction(), so call daemon() first. This does not work in fully
 *     static programs (-static), because libdr stands between the program and a shared libc.
 *  2. A file descriptor: dr_open(), then poll() it, dr_next() and dr_ack() or dr_refuse().
 *
 * The first way has the names and values of the AIX interface (AIX "dr_reconfig System Call"). The layout of
 * dr_info_t is this project's own, because AIX's is not public. So programs have to be compiled anew.
 *
 * All functions return 0 or more on success. Those of the second way return a negative errno on failure and
 * leave errno alone; dr_reconfig() returns -1 and sets errno.
 */
#ifndef DR_H
#define DR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1. as on AIX ------------------------------------------------------------------------------------ */

/* 58 as on AIX; on Linux this is a real-time signal. A constant, so that it can be a case label. */
#define SIGRECONFIG 58

/* flags of dr_reconfig() */
#define DR_QUERY 0x1 /* fill in *info with the phase in progress */
#define DR_EVENT_FAIL \
	0x2 /* refuse: in CHECK only, and only from a process that may refuse, else EPERM */
#define DR_RECONFIG_DONE 0x4 /* handled: the struct that DR_QUERY filled in says which phase */

/*
 * dr_op of an event that is about no migration: the machine has changed without one, or once more after one. Processors
 * or memory are elsewhere, have come or gone. The event comes once, with topology_update and post, as nobody can refuse
 * what has happened, and never between pre and the end of a migration. Read anew what you need, then call
 * DR_RECONFIG_DONE. The number is this project's own, because AIX's is not public.
 */
#define DR_OP_CPU_AFFINITY_REFRESH 1

typedef uint64_t dr_size64_t;
typedef uint64_t dr_rpn64_t;

typedef struct dr_info {
	/* what is done, to what */
	unsigned int add : 1;
	unsigned int rem : 1;
	unsigned int cpu : 1;
	unsigned int mem : 1;
	/* exactly one of these is set */
	unsigned int check : 1;
	unsigned int pre : 1;
	unsigned int doit : 1;
	unsigned int post : 1;
	unsigned int posterror : 1;
	unsigned int force : 1; /* the operator asked for force */
	/* always 0 in a migration: they are about the removal of CPUs and memory */
	unsigned int bindproc : 1;
	unsigned int softpset : 1;
	unsigned int hardpset : 1;
	unsigned int plock : 1;
	unsigned int pshm : 1;
	unsigned int ent_cap : 1;
	unsigned int var_wgt : 1;
	unsigned int splpar_capable : 1;
	unsigned int splpar_shared : 1;
	unsigned int splpar_capped : 1;
	unsigned int cap_constrained : 1;
	/*
	 * Live Partition Mobility: migrate and partition are set, add, rem, cpu and mem are not. An event without
	 * migrate is about no migration, whatever its phase is
	 */
	unsigned int migrate : 1;
	unsigned int hibernate : 1;
	unsigned int partition : 1;
	unsigned int workload_partition : 1;
	unsigned int checkpoint : 1;
	unsigned int restart : 1;
	unsigned int topology_update : 1; /* see DR_OP_CPU_AFFINITY_REFRESH */
	unsigned int acc_update : 1;
	unsigned int chlmb : 1;

	int lcpu;		/* -1 in a migration */
	int bcpu;		/* -1 in a migration */
	unsigned int phase_gen; /* names the phase; pass it to DR_RECONFIG_DONE unchanged */
	unsigned short dr_op;
	dr_size64_t req_memsz_change;
	dr_size64_t sys_memsz;
	dr_rpn64_t sys_free_frames;
	dr_rpn64_t sys_pinnable_frames;
	dr_rpn64_t sys_total_frames;
	uint64_t capacity;
	int delta_cap;
	uint64_t mem_capacity;
	int64_t delta_mem_capacity;
	uint64_t dr_stream; /* not on AIX: the stream ID of the migration */
	int reserved[8];
} dr_info_t;

/**
 * dr_reconfig() - ask what is going on, and answer it
 * @flags: DR_QUERY, DR_EVENT_FAIL or DR_RECONFIG_DONE; DR_QUERY may be or-ed with one of the others
 * @info: filled in by DR_QUERY, read by the others
 *
 * May be called from a signal handler and from any thread, not only the one that got the signal. Never waits.
 * DR_RECONFIG_DONE may follow DR_EVENT_FAIL, and changes nothing then. A frame is 4 KiB, as on AIX.
 *
 * Return: 0, or -1 with errno:
 *  ENXIO nothing is in progress. This is no error: the signal was for an event that has been answered, is past
 *	its deadline, or was replaced by a newer one. POST and POST_ERROR have no deadline here.
 *  EINTR the answer could not be sent now: repeat the call.
 *  EINVAL bad flags, or an @info that DR_QUERY has not filled in for this event.
 *  EPERM DR_EVENT_FAIL outside of CHECK, or without the right to refuse (then it counts as advice).
 *  EFAULT @info is NULL.
 */
int dr_reconfig(int flags, dr_info_t *info);

/* ---- 2. a file descriptor ---------------------------------------------------------------------------- */

enum dr_phase {
	DR_PHASE_CHECK = 1,	 /* may the partition move? Change nothing. Answer */
	DR_PHASE_PRE = 2,	 /* it stops in a moment: get ready. Answer */
	DR_PHASE_POST = 3,	 /* it has moved: changes say what differs. Answer */
	DR_PHASE_POST_ERROR = 4, /* after BEGIN or PRE: it has not moved, go on as before. Answer */
	DR_PHASE_BEGIN =
		5, /* no answer: memory is copied from now on, minutes or hours before PRE */
	DR_PHASE_RESUMED =
		6, /* no answer: it runs at the destination, and memory is still in transit */
	DR_PHASE_CHANGED =
		7, /* no answer: the machine has changed without a migration, or once more after
		      one: processors or memory are elsewhere, have come or gone. It never comes
		      between PRE and the end. If the machine changes again in that time, or
		      before the program has read the event, the next one has the last changes,
		      and nr_more counts the others */
};

#define DR_PHASES(phase) (1U << (phase))
#define DR_PHASES_DEFAULT                                                                 \
	(DR_PHASES(DR_PHASE_CHECK) | DR_PHASES(DR_PHASE_PRE) | DR_PHASES(DR_PHASE_POST) | \
	 DR_PHASES(DR_PHASE_POST_ERROR))

/* Sizes of the strings, with the terminating zero */
#define DR_NAME_LEN   64
#define DR_REASON_LEN 256
#define DR_VALUE_LEN  128

/* Flags of struct dr_options */
#define DR_MAY_REFUSE \
	(1U << 0) /* a refusal in CHECK stops the migration. The daemon grants this to root and
				   to the users and groups of drmgr.conf; for others a refusal is advice */
#define DR_REQUIRED \
	(1U << 1) /* with DR_MAY_REFUSE: a missed deadline in PRE stops the migration, too */
/*
 * At most one of these. At PRE the daemon saves which processors the threads of the process are bound to, if they are. After
 * a move, before it tells the process POST, it
 *  KEEP: only logs which of them are gone;
 *  RESTORE: binds the threads to the same numbers again, as far as they are online;
 *  RECOMPUTE: binds them to as many by the true map: what was in one domain is in one domain again.
 * Threads that begin after PRE are left alone, and so is memory: see dr_memory_follow().
 */
#define DR_AFFINITY_KEEP      (1U << 2)
#define DR_AFFINITY_RESTORE   (1U << 3)
#define DR_AFFINITY_RECOMPUTE (1U << 4)
#define DR_AFFINITY	      (DR_AFFINITY_KEEP | DR_AFFINITY_RESTORE | DR_AFFINITY_RECOMPUTE)

/**
 * struct dr_options - how to register; all zero is a good choice
 * @name: shown to the operator and in the log; NULL for the program's own name
 * @phases: DR_PHASES() or-ed, 0 for DR_PHASES_DEFAULT. BEGIN and PRE bring POST and
 *	POST_ERROR with them
 * @flags: DR_MAY_REFUSE, DR_REQUIRED, DR_AFFINITY_*
 * @signo: also send this real-time signal (SIGRTMIN to SIGRTMAX) with each event, 0 for none. It is never sent
 *	while the process does not catch it. Do not use SIGRECONFIG in a program that catches it by
 *	sigaction(), which makes a registration of its own
 * @timeout_ms: how long the application may take to answer, 0 for the daemon's default (10 s), at most
 *	ApplicationTimeoutMaxSec= of drmgr.conf. Without DR_MAY_REFUSE, or if that is not granted, at most 2 s
 *	(GraceSec=). deadline_us of the event says how long the application really has
 */
struct dr_options {
	const char *name;
	uint32_t phases;
	uint32_t flags;
	int signo;
	uint32_t timeout_ms;
};

/* flags of struct dr_change */
#define DR_CHANGE_STALE \
	(1U << 0) /* the kernel's own copy (sysconf, /proc/cpuinfo) still has the old value */
#define DR_CHANGE_UNEXPECTED (1U << 1) /* a migration should not have changed this */

/**
 * struct dr_change - one thing that differs
 * @name: "identity.system-id", "cache.l1d.size", "cpu.0-7.home-node", ...: what is the same of several caches,
 *	processors or blocks of memory is one change
 * @old_value: decimal number (bytes, Hz) or text; empty if there was none
 * @new_value: the same, now
 * @flags: DR_CHANGE_*
 */
struct dr_change {
	char name[DR_NAME_LEN];
	char old_value[DR_VALUE_LEN];
	char new_value[DR_VALUE_LEN];
	uint32_t flags;
};

/**
 * struct dr_event - one notice
 * @phase: enum dr_phase
 * @gen: names the event in dr_ack() and dr_refuse()
 * @force: the operator asked for force, so a refusal does not stop the migration
 * @stream: stream ID of the migration, 0 in CHANGED
 * @deadline_us: CLOCK_BOOTTIME in microseconds; a later answer is too late. 0: nobody waits for an answer
 * @blackout_us: POST: how long the partition stood still, in microseconds; 0 if that is not known
 * @changes: POST and CHANGED: what differs; valid until the next dr_next() or dr_close()
 * @nr_changes: number of @changes
 * @nr_more: how many more differ; drmgr platform --diff has them
 */
struct dr_event {
	enum dr_phase phase;
	uint32_t gen;
	bool force;
	uint64_t stream;
	uint64_t deadline_us;
	uint64_t blackout_us;
	const struct dr_change *changes;
	size_t nr_changes;
	size_t nr_more;
};

typedef struct dr_client dr_client;

/**
 * dr_open() - register this process
 * @ret: the registration
 * @options: NULL for all defaults
 *
 * Waits for the daemon, and the system bus unless root calls, usually for a few milliseconds and at most for 5 s. A child after
 * fork() has no part in the registration; it opens its own.
 *
 * Return: 0, -EINVAL, -ENOMEM, -EUSERS this user has too many registrations, -EHOSTDOWN there is no daemon,
 * -ETIMEDOUT, -EIO.
 */
int dr_open(dr_client **ret, const struct dr_options *options);

/* The descriptor to poll for POLLIN. It belongs to @client: do not read or close it. */
int dr_fd(const dr_client *client);

/**
 * dr_next() - read the next event, without waiting
 *
 * Return: 1 with *@event filled in, 0 if there is none now, -EPIPE if the daemon has dropped the registration
 * (call dr_close(), then dr_open() again), -EBADMSG.
 */
int dr_next(dr_client *client, struct dr_event *event);

/*
 * dr_ack(): the event has been handled. Return: 0, -ESTALE if @gen is not the event that wants an answer or it is too
 * late, -EAGAIN, -EPIPE.
 */
int dr_ack(dr_client *client, uint32_t gen);

/**
 * dr_refuse() - refuse the migration
 * @err: positive errno
 * @reason: one line for the operator; what exceeds DR_REASON_LEN is cut off
 *
 * Return: 0, -EINVAL, -ESTALE, -EPERM in POST and POST_ERROR, -EAGAIN, -EPIPE.
 */
int dr_refuse(dr_client *client, uint32_t gen, int err, const char *reason);

/* dr_close(): ends the registration. @client may be NULL. Returns NULL. */
dr_client *dr_close(dr_client *client);

/* dr_phase_name(): returns "check", "pre", "post", "post-error", "begin", "resumed" or "changed", else NULL. */
const char *dr_phase_name(enum dr_phase phase);

/* ---- 3. what the machine is now ---------------------------------------------------------------------- */

/*
 * What sysconf(), the auxiliary vector and the kernel's NUMA nodes say is what was true where the partition was
 * started. What follows says what is true where it runs, and needs no registration. It is read anew with each call,
 * so call at POST, not in each loop.
 */

enum dr_cache_type {
	DR_CACHE_UNIFIED, /* as all caches above the first level are */
	DR_CACHE_DATA,
	DR_CACHE_INSTRUCTION,
};

/**
 * struct dr_cache - one cache; a number is 0 where it is not known
 * @size: bytes
 * @line_size: bytes
 * @sets: how many
 * @ways: how many lines a set has
 * @cpus: which processors share it, "0-7,16"; empty where the list is longer
 */
struct dr_cache {
	uint64_t size;
	uint32_t line_size;
	uint32_t sets;
	uint32_t ways;
	char cpus[DR_VALUE_LEN];
};

/**
 * dr_cache_info() - one cache of one processor
 * @cpu: the kernel's number of the processor
 * @level: 1 is the nearest
 * @type: which of them, where a level has several
 * @ret: filled in on success
 *
 * Needs neither the daemon nor pmig.ko.
 *
 * Return: 0, -EINVAL, -ENOENT there is no such processor or it has no such cache, -ENODATA the kernel knows no caches of
 * it, as it is offline; -EOPNOTSUPP there is no sysfs; another errno of it. Between the arrival and POST the kernel reads
 * all of them anew, and one that is there may be -ENOENT or -ENODATA.
 */
int dr_cache_info(unsigned int cpu, unsigned int level, enum dr_cache_type type,
		  struct dr_cache *ret);

/**
 * dr_cpu_home_node() - the true place of a processor
 * @cpu: the kernel's number of the processor
 * @level: 0 for the level that makes nodes, to be compared with the kernel's own node; from 1, which is the largest,
 *	for one of the domains that the processor is in
 * @ret: the number of the domain
 *
 * Needs pmig.ko, in whose network namespace, the first one, the caller has to be. 5 s at the most for each answer of it.
 *
 * Return: 0, -EINVAL, -ENOENT there is no such processor, -ENODATA its place is not known, or it has no such level;
 * -EOPNOTSUPP no pmig.ko, or none that knows the machine; -EAGAIN the machine has changed meanwhile, ask again;
 * -ETIMEDOUT, -ENOMEM, another errno of a socket.
 */
int dr_cpu_home_node(unsigned int cpu, unsigned int level, unsigned int *ret);

/* In place of a number: there is no such processor, or its place is not known. */
#define DR_NODE_UNKNOWN (~0U)

/**
 * dr_cpu_home_nodes() - the same of all processors, by one question
 * @level: as above
 * @nodes: of the processors from 0 to @nr - 1, DR_NODE_UNKNOWN where there is none
 * @nr: how many fit into @nodes; those that do not are left out
 *
 * All of them are of one time: where the machine changes meanwhile, that is -EAGAIN. @nodes may be filled in part where
 * it fails.
 *
 * Return: 0, -EINVAL, or as above but for -ENOENT and -ENODATA.
 */
int dr_cpu_home_nodes(unsigned int level, unsigned int *nodes, unsigned int nr);

/**
 * dr_memory_follow() - moves the memory of this process to where its processors are
 *
 * These are the processors on which the calling thread may run. The memory is moved to the nodes of the kernel's that are in
 * the same true domains, of those that the cgroup of the process allows; memory that is there already stays. Without
 * CAP_SYS_NICE, pages that other processes have mapped, too, stay as well. Policies (set_mempolicy(), mbind()) are not
 * changed: they go on naming the kernel's nodes.
 *
 * Where several of these nodes are in the same place, the kernel has the memory of each other node go to one of them, and
 * says -ENOMEM where that one is full. Blocks of memory whose place is not known are not looked at.
 *
 * Call it at POST, from a thread that is bound; DR_AFFINITY_RECOMPUTE has bound it by then. It takes as long as there are
 * pages, and threads that fault meanwhile may have to wait. Any thread may call it. Needs pmig.ko.
 *
 * Return: how many pages could not be moved, as far as the kernel counts them (before Linux 6.7 not all), 0 for none;
 * -EXDEV a node that the process may use has memory in two true domains, so that the kernel's numbers name neither: nothing
 * is moved; -ENOENT no node that it may use is where the processors are; -ENODATA it is not known where one of the
 * processors is, or any of the nodes; -E2BIG they are in more than 1,024 domains; -ENOMEM some may have been moved; -ENOSYS
 * the kernel has no nodes; -EPERM a filter of system calls forbids it; -EOPNOTSUPP, -EAGAIN, -ETIMEDOUT as above; another
 * errno of migrate_pages(2) or of a socket.
 */
long dr_memory_follow(void);

#ifdef __cplusplus
}
#endif

#endif /* DR_H */
