// SPDX-License-Identifier: GPL-2.0
/*
 * Moves between simulated servers of several sizes, in turn and in random order, and prints what the module's
 * tracepoints and events say of each: samples as bench.sh prints them. Every second move of a size is measured: then
 * both snapshots are of this size, and every home node differs.
 */
#include "kernel/ktest.h"
#include <sys/socket.h>

#define TRACE  "/sys/kernel/tracing/"
#define ROUNDS 15

static const struct size {
	unsigned int cpus, nodes, cores, threads, lmbs;
} sizes[] = { { 2, 2, 1, 1, 1 }, { 8, 2, 1, 4, 2 }, { 64, 2, 4, 8, 16 }, { 2048, 64, 4, 8, 16 } };

#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* What one move has cost. */
struct cost {
	unsigned long long snapshot_ns, bytes, diff_ns, event_bytes;
	unsigned int suspensions, in_blackout;
};

__attribute__((noreturn)) static void give_up(const char *why)
{
	printf("# bench: %s\nnot ok 1 - measured\n1..1\n", why);
	exit(1);
}

static void set(const char *key, unsigned long long value)
{
	char path[128];

	snprintf(path, sizeof(path), SIM "destinations/there/%s", key);
	if (put(path, "%llu", value))
		give_up(key);
}

/* Caches, clock and identity differ with each move, too: the event says so of every section. */
static void make_destination(const struct size *size, unsigned int turn)
{
	sim_remove(STREAM);
	if (mkdir(SIM "destinations/there", 0755))
		give_up("there is no pmig_sim");
	set("nodes", size->nodes);
	set("cores_per_node", size->cores);
	set("threads_per_core", size->threads);
	set("lmbs_per_node", size->lmbs);
	set("home_shift", turn);
	set("l2_size", 524288U << turn);
	set("clock_hz", 3000000000ULL + turn);
	set("lpar_id", 2 + turn);
	set("blackout_ms", 1);
	set("live", 1);
	if (mkdir(SIM "streams/0xabcd1234", 0755) ||
	    put(SIM "streams/0xabcd1234/destination", "there") ||
	    put(SIM "streams/0xabcd1234/script", "enabled suspending resumed:1 completed") ||
	    put(SIM "streams/0xabcd1234/live", "1"))
		give_up("there is no stream");
}

static void move(struct link *l)
{
	struct session s;

	if (start(l, PMIG_CMD_BEGIN, STREAM, 0, "sim") || sim_state(STREAM, "suspending") ||
	    !reaches(l, &s, PMIG_STATE_QUIESCE) || command(l, PMIG_CMD_PRE) ||
	    !reaches(l, &s, PMIG_STATE_READY) || command(l, PMIG_CMD_SUSPEND) ||
	    !reaches(l, &s, PMIG_STATE_COMPLETED) || command(l, PMIG_CMD_END))
		give_up("the migration failed");
}

/* The largest event since the last time. */
static unsigned int largest_event(struct link *ear)
{
	static char buf[BUF_SIZE];
	unsigned int largest = 0;
	int n;

	while ((n = recv(mnl_socket_get_fd(ear->nl), buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		if ((unsigned int)n > largest)
			largest = n;
	return largest;
}

static unsigned long long value_of(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static unsigned long long smaller(unsigned long long a, unsigned long long b)
{
	return a && a < b ? a : b;
}

/* The two snapshots of a move are alike: the quicker one was disturbed less. */
static void read_trace(struct cost *c)
{
	char *line, *rest, *text = strdup(get(TRACE "trace"));
	bool still = false;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strstr(line, "pmig_suspend_"))
			still = strstr(line, "pmig_suspend_begin:");
		c->suspensions += !!strstr(line, "pmig_suspend_end:");
		if (strstr(line, "pmig_snapshot_"))
			c->in_blackout += still;
		if (strstr(line, "pmig_snapshot_end:")) {
			c->snapshot_ns = smaller(c->snapshot_ns, value_of(line, "duration_ns="));
			c->bytes = value_of(line, "bytes=");
		}
		if (strstr(line, "pmig_diff:"))
			c->diff_ns = value_of(line, "duration_ns=");
	}
	free(text);
}

static void measure(struct link *l, struct link *ear, const struct size *size, struct cost *c)
{
	memset(c, 0, sizeof(*c));
	make_destination(size, 0);
	move(l);
	make_destination(size, 1);
	largest_event(ear);
	put(TRACE "trace", "0");
	put(TRACE "events/pmig/enable", "1");
	move(l);
	put(TRACE "events/pmig/enable", "0");
	c->event_bytes = largest_event(ear);
	read_trace(c);
	if (!c->snapshot_ns || !c->diff_ns || !c->event_bytes || c->suspensions != 1)
		give_up("a move has left no trace");
}

static void measure_sizes(struct link *l, struct link *ear, struct cost *cost)
{
	unsigned int i, j, order[NR_SIZES];

	for (i = 0; i < NR_SIZES; i++) {
		j = random() % (i + 1);
		order[i] = j < i ? order[j] : i;
		order[j] = i;
	}
	for (i = 0; i < NR_SIZES; i++)
		measure(l, ear, &sizes[order[i]], &cost[order[i]]);
}

static void tell_round(const struct cost *cost)
{
	const struct cost *large = &cost[NR_SIZES - 1], *small = &cost[NR_SIZES - 2];
	unsigned int i, times = sizes[NR_SIZES - 1].cpus / sizes[NR_SIZES - 2].cpus;

	for (i = 0; i < NR_SIZES; i++) {
		printf("# sample snapshot-%u %llu\n", sizes[i].cpus, cost[i].snapshot_ns);
		printf("# sample diff-%u %llu\n", sizes[i].cpus, cost[i].diff_ns);
		printf("# sample snapshot-bytes-per-cpu-%u %llu/%u\n", sizes[i].cpus, cost[i].bytes,
		       sizes[i].cpus);
		printf("# sample snapshot-in-blackout %u\n", cost[i].in_blackout);
		printf("# sample event-bytes %llu\n", cost[i].event_bytes);
	}
	printf("# sample snapshot-ratio %llu/%llu\n", large->snapshot_ns,
	       small->snapshot_ns * times);
	printf("# sample diff-ratio %llu/%llu\n", large->diff_ns, small->diff_ns * times);
}

int main(void)
{
	struct cost cost[NR_SIZES];
	struct link l, ear;
	unsigned int i;

	run("modprobe pmig && modprobe pmig_sim");
	run("mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing");
	put("/sys/module/pmig/parameters/poll_ms", "5");
	if (link_open(&l) || link_listen(&ear))
		give_up("there is no pmig");
	for (i = 0; i < ROUNDS; i++) {
		measure_sizes(&l, &ear, cost);
		tell_round(cost);
	}
	sim_remove(STREAM);
	printf("ok 1 - measured\n1..1\n");
	return 0;
}
