// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dr_cache_info(), from sysfs: the one place with caches that powerpc's kernel makes anew after a migration. What is read
 * of a cache is read by way of its folder, so when the kernel removes that in between, there is an error and no mixture.
 */
#include "libdr/cacheinfo.h"
#include "libdr/export.h"

#include "shared/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INDEX_MAX 64 /* more caches than a processor has */

const char *dr_cpu_folder = "/sys/devices/system/cpu";

static int open_folder(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* One line; false where the kernel does not say. */
static bool line(int dir, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	do
		n = read(fd, buf, size - 1);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

/* "512K" */
static bool number(int dir, const char *name, uint64_t *ret)
{
	char text[32], unit = 0;

	if (!line(dir, name, text, sizeof(text)) || sscanf(text, "%" SCNu64 "%c", ret, &unit) < 1)
		return false;
	if (unit == 'K')
		*ret <<= 10;
	else if (unit == 'M')
		*ret <<= 20;
	return true;
}

static uint32_t number_or_0(int dir, const char *name)
{
	uint64_t value;

	return number(dir, name, &value) ? (uint32_t)value : 0;
}

static bool is_wanted(int dir, unsigned int level, enum dr_cache_type type)
{
	static const char *const names[] = {
		[DR_CACHE_UNIFIED] = "Unified",
		[DR_CACHE_DATA] = "Data",
		[DR_CACHE_INSTRUCTION] = "Instruction",
	};
	char text[32];
	uint64_t value;

	return number(dir, "level", &value) && value == level &&
	       line(dir, "type", text, sizeof(text)) && strcmp(text, names[type]) == 0;
}

/* -ENODATA where the folder is removed meanwhile. */
static int fill(int dir, struct dr_cache *ret)
{
	char cpus[4096];

	*ret = (struct dr_cache){
		.line_size = number_or_0(dir, "coherency_line_size"),
		.sets = number_or_0(dir, "number_of_sets"),
		.ways = number_or_0(dir, "ways_of_associativity"),
	};
	if (!number(dir, "size", &ret->size) || !line(dir, "shared_cpu_list", cpus, sizeof(cpus)))
		return -ENODATA;
	if (strlen(cpus) < sizeof(ret->cpus))
		memcpy(ret->cpus, cpus, strlen(cpus) + 1);
	return 0;
}

static int find(int caches, unsigned int level, enum dr_cache_type type, struct dr_cache *ret)
{
	char name[32];

	for (unsigned int i = 0; i < INDEX_MAX; i++) {
		_cleanup_close_ int dir = -EBADF;

		snprintf(name, sizeof(name), "index%u", i);
		dir = open_folder(caches, name);
		if (dir == -ENOENT)
			return i ? -ENOENT : -ENODATA;
		if (dir < 0)
			return dir;
		if (is_wanted(dir, level, type))
			return fill(dir, ret);
	}
	return -ENOENT;
}

static int cache_info(unsigned int cpu, unsigned int level, enum dr_cache_type type,
		      struct dr_cache *ret)
{
	_cleanup_close_ int folder = open_folder(AT_FDCWD, dr_cpu_folder);
	_cleanup_close_ int dir = -EBADF, caches = -EBADF;
	char name[32];

	if (folder < 0)
		return folder == -ENOENT ? -EOPNOTSUPP : folder;
	snprintf(name, sizeof(name), "cpu%u", cpu);
	dir = open_folder(folder, name);
	if (dir < 0)
		return dir;
	caches = open_folder(dir, "cache");
	if (caches < 0)
		return caches == -ENOENT ? -ENODATA : caches;
	return find(caches, level, type, ret);
}

DR_EXPORT int dr_cache_info(unsigned int cpu, unsigned int level, enum dr_cache_type type,
			    struct dr_cache *ret)
{
	struct dr_cache cache;
	int saved = errno;
	int r;

	if (!ret ||
	    (type != DR_CACHE_UNIFIED && type != DR_CACHE_DATA && type != DR_CACHE_INSTRUCTION))
		return -EINVAL;
	r = cache_info(cpu, level, type, &cache);
	errno = saved;
	if (r == 0)
		*ret = cache;
	return r;
}
