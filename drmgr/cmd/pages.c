// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgr platform --pages PID: in which domains the memory of a process is. The process's pagemap has the physical
 * address of each page, the module's rows have the domain of each block of memory. The kernel's nodes, and so numastat
 * and /proc/PID/numa_maps, have no part in it: they may be those of the server before.
 */
#include "cmd/pages.h"
#include "cmd/bus-rows.h"
#include "cmd/bus.h"
#include "cmd/verbs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PRESENT (UINT64_C(1) << 63)
#define FRAME	((UINT64_C(1) << 55) - 1)

/* A mapping, as numbers of pages. */
struct mapping {
	uint64_t first, n;
};

struct mappings {
	struct mapping *v;
	size_t n, room;
};

struct walk {
	int pagemap;
	uint64_t page_size, block_size;
	uint64_t at; /* how many pages are done, of all mappings */
	const struct places *blocks;
	const struct place *last; /* the block that was found last */
	struct pages *found;
};

static void mappings_done(struct mappings *m)
{
	free(m->v);
}

static void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

void pages_done(struct pages *pages)
{
	free(pages->in);
}

static int add(struct mappings *m, struct mapping mapping)
{
	size_t room = m->room ? 2 * m->room : 256;
	struct mapping *v;

	if (m->n == m->room) {
		v = reallocarray(m->v, room, sizeof(*v));
		if (!v)
			return -ENOMEM;
		m->v = v;
		m->room = room;
	}
	m->v[m->n++] = mapping;
	return 0;
}

/* The kernel has a bound of how many mappings a process may have. */
static int read_mappings(int process, uint64_t page_size, struct mappings *ret)
{
	_cleanup_(fclosep) FILE *f = NULL;
	_cleanup_close_ int fd = openat(process, "maps", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *line = NULL;
	uint64_t begin, end;
	size_t room = 0;
	int r = 0;

	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f)
		return -errno;
	TAKE_FD(fd);
	while (r == 0 && getline(&line, &room, f) > 0)
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &begin, &end) == 2 && begin < end)
			r = add(ret,
				(struct mapping){ begin / page_size, (end - begin) / page_size });
	return r;
}

static void count(struct walk *w, uint64_t entry)
{
	uint64_t address = (entry & FRAME) * w->page_size;
	struct pages *found = w->found;

	if (!(entry & PRESENT))
		return;
	found->found++;
	if (!(entry & FRAME)) {
		found->hidden++;
		return;
	}
	if (!w->last || address < w->last->key || address - w->last->key >= w->block_size)
		w->last = places_find(w->blocks, address);
	if (w->last && address - w->last->key < w->block_size)
		found->in[w->last - w->blocks->v]++;
	else
		found->unknown++;
}

/* What has been unmapped meanwhile has no entries. */
static void look(struct walk *w, uint64_t first, uint64_t n)
{
	uint64_t entry[PAGES_STRETCH], i;
	ssize_t size =
		pread(w->pagemap, entry, n * sizeof(*entry), (off_t)(first * sizeof(*entry)));

	for (i = 0; size > 0 && i < (uint64_t)size / sizeof(*entry); i++)
		count(w, entry[i]);
}

static void look_at(struct walk *w, const struct mapping *m)
{
	uint64_t done, n;

	for (done = 0; done < m->n; done += n, w->at += n) {
		n = PAGES_STRETCH - w->at % PAGES_STRETCH;
		if (n > m->n - done)
			n = m->n - done;
		if (w->at / PAGES_STRETCH % w->found->step == 0)
			look(w, m->first + done, n);
	}
}

int pages_count(int process, const struct places *blocks, uint64_t block_size, struct pages *ret)
{
	_cleanup_(mappings_done) struct mappings mappings = { 0 };
	_cleanup_close_ int pagemap = openat(process, "pagemap", O_RDONLY | O_CLOEXEC);
	struct walk w = { .pagemap = pagemap,
			  .page_size = (uint64_t)sysconf(_SC_PAGESIZE),
			  .block_size = block_size,
			  .blocks = blocks,
			  .found = ret };
	uint64_t all = 0;
	size_t i;
	int r;

	*ret = (struct pages){ 0 };
	if (pagemap < 0)
		return -errno;
	r = read_mappings(process, w.page_size, &mappings);
	if (r < 0)
		return r;
	ret->in = calloc(blocks->n + 1, sizeof(*ret->in));
	if (!ret->in)
		return -ENOMEM;
	for (i = 0; i < mappings.n; i++)
		all += mappings.v[i].n;
	ret->step = all / PAGES_MAX + 1;
	for (i = 0; i < mappings.n; i++)
		look_at(&w, &mappings.v[i]);
	return 0;
}

/* ---- what is printed */

struct share {
	uint64_t domain, pages;
};

static int by_domain(const void *va, const void *vb)
{
	const struct share *a = va, *b = vb;

	return (a->domain > b->domain) - (a->domain < b->domain);
}

/* One for each domain with pages; @v has room for one for each block. Returns how many there are. */
static size_t sum_up(const struct places *blocks, const struct pages *pages, struct share *v)
{
	size_t i, n = 0, sums = 0;

	for (i = 0; i < blocks->n; i++)
		if (pages->in[i])
			v[n++] = (struct share){ blocks->v[i].domain, pages->in[i] };
	qsort(v, n, sizeof(*v), by_domain);
	for (i = 0; i < n; i++) {
		if (sums && v[sums - 1].domain == v[i].domain)
			v[sums - 1].pages += v[i].pages;
		else
			v[sums++] = v[i];
	}
	return sums;
}

static void print_share(const struct pages *pages, uint64_t n)
{
	uint64_t tenths = n * 1000 / pages->found;

	printf("%10" PRIu64 "  %3" PRIu64 ".%" PRIu64 " %%\n", n, tenths / 10, tenths % 10);
}

static void print_table(const struct pages *pages, const struct share *v, size_t n)
{
	size_t i;

	printf("%" PRIu64 " pages of %ld bytes are in memory\n", pages->found,
	       sysconf(_SC_PAGESIZE));
	for (i = 0; i < n; i++) {
		printf("domain %-10" PRIu64, v[i].domain);
		print_share(pages, v[i].pages);
	}
	if (pages->unknown) {
		printf("%-17s", "not known");
		print_share(pages, pages->unknown);
	}
	if (pages->step > 1)
		printf("1 of %" PRIu64 " stretches of %" PRIu64 " pages was looked at\n",
		       pages->step, PAGES_STRETCH);
}

static void print_json(const struct pages *pages, const struct share *v, size_t n)
{
	size_t i;

	printf("{\"pages\": %" PRIu64 ", \"page-bytes\": %ld, \"looked-at-one-of\": %" PRIu64
	       ", \"unknown\": %" PRIu64 ", \"domains\": {",
	       pages->found, sysconf(_SC_PAGESIZE), pages->step, pages->unknown);
	for (i = 0; i < n; i++)
		printf("%s\"%" PRIu64 "\": %" PRIu64, i ? ", " : "", v[i].domain, v[i].pages);
	printf("}}\n");
}

static int print(const struct request *req, const struct places *blocks, const struct pages *pages)
{
	_cleanup_free_ struct share *v = calloc(blocks->n + 1, sizeof(*v));
	size_t n;

	if (!v)
		return call_bad_reply(-ENOMEM);
	n = sum_up(blocks, pages, v);
	if (req->json)
		print_json(pages, v, n);
	else
		print_table(pages, v, n);
	return DR_EXIT_DONE;
}

/* ---- the request */

static int cannot_look(const struct request *req, int r)
{
	bool denied = r == -EACCES || r == -EPERM;

	fprintf(stderr, "drmgr: the memory of process %u cannot be looked at: %s\n",
		req->pages.value,
		denied	      ? "only root may, with CAP_SYS_ADMIN" :
		r == -ENODATA ? "it has none" :
				strerror(-r));
	return denied ? DR_EXIT_DENIED : DR_EXIT_NO_VALUE;
}

static int look_at_process(const struct request *req, int process, const struct places *blocks,
			   uint64_t block_size)
{
	_cleanup_(pages_done) struct pages pages = { 0 };
	int r = pages_count(process, blocks, block_size, &pages);

	if (r < 0)
		return cannot_look(req, r);
	if (!pages.found)
		return cannot_look(req, -ENODATA);
	if (pages.hidden == pages.found)
		return cannot_look(req, -EPERM);
	return print(req, blocks, &pages);
}

static uint64_t size_of_blocks(const struct rows *now)
{
	size_t i;

	for (i = 0; i < now->n; i++)
		if (strcmp(now->v[i].section, "platform") == 0 &&
		    strcmp(now->v[i].field, "lmb-size") == 0)
			return strtoull(now->v[i].new, NULL, 10);
	return 0;
}

int do_pages(const struct request *req)
{
	_cleanup_(rows_done) struct rows now = { 0 };
	_cleanup_(places_done) struct places blocks = { 0 };
	_cleanup_close_ int process = -EBADF;
	char path[32], missing[MISSING_LEN];
	uint64_t block_size;
	int status;

	snprintf(path, sizeof(path), "/proc/%u", req->pages.value);
	process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process < 0)
		return cannot_look(req, errno == ENOENT ? -ESRCH : -errno);
	status = ask_rows("now", &now, missing);
	if (status)
		return status;
	say_left_out(&now);
	block_size = size_of_blocks(&now);
	if (places_of(&now, "memory", &blocks) < 0)
		return call_bad_reply(-ENOMEM);
	if (!blocks.n || !block_size)
		return no_home_nodes("memory", missing);
	return look_at_process(req, process, &blocks, block_size);
}
