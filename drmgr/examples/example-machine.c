// SPDX-License-Identifier: 0BSD
/*
 * The caches of a processor and where it is, as is true where the partition runs now. sysconf(), the auxiliary vector and
 * the kernel's NUMA nodes say what was true where it was started. Copy what you need of it; the place for it is POST.
 */
#include <dr.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS	   4
#define DOMAINS	   16
#define PROCESSORS 2048

static void print_cache(unsigned int cpu, unsigned int level, enum dr_cache_type type,
			const char *name)
{
	struct dr_cache cache;
	int r = dr_cache_info(cpu, level, type, &cache);

	if (r == -ENOENT)
		return; /* it has none */
	if (r < 0)
		printf("L%u %s: %s\n", level, name, strerror(-r));
	else
		printf("L%u %s: %" PRIu64 " KiB, lines of %" PRIu32 " bytes, shared by %s\n", level,
		       name, cache.size / 1024, cache.line_size, cache.cpus);
}

static void print_place(unsigned int cpu)
{
	unsigned int level, node;
	int r = dr_cpu_home_node(cpu, 0, &node);

	if (r < 0) {
		printf("home node: %s\n", r == -EOPNOTSUPP ? "pmig.ko is needed" : strerror(-r));
		return;
	}
	printf("home node: %u\ndomains:", node);
	for (level = 1; level <= DOMAINS && dr_cpu_home_node(cpu, level, &node) == 0; level++)
		printf(" %u", node);
	printf("\n");
}

/* One question for all of them. */
static void print_all_places(void)
{
	static unsigned int nodes[PROCESSORS];
	unsigned int cpu;

	if (dr_cpu_home_nodes(0, nodes, PROCESSORS) < 0)
		return;
	for (cpu = 0; cpu < PROCESSORS; cpu++)
		if (nodes[cpu] != DR_NODE_UNKNOWN)
			printf("processor %u: home node %u\n", cpu, nodes[cpu]);
}

int main(int argc, char *argv[])
{
	unsigned int cpu = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 0;
	unsigned int level;

	for (level = 1; level <= LEVELS; level++) {
		print_cache(cpu, level, DR_CACHE_DATA, "data");
		print_cache(cpu, level, DR_CACHE_INSTRUCTION, "instructions");
		print_cache(cpu, level, DR_CACHE_UNIFIED, "unified");
	}
	print_place(cpu);
	print_all_places();
	return EXIT_SUCCESS;
}
