// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bound NODE MIB: has so much memory, all of it in this node of the kernel's, says how many pages that is, and stays.
 */
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long mask;
	size_t size;
	void *p;

	if (argc != 3)
		return 2;
	mask = 1UL << atoi(argv[1]);
	size = (size_t)atoi(argv[2]) << 20;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || syscall(SYS_mbind, p, size, MPOL_BIND, &mask, 8 * sizeof(mask), 0)) {
		perror("bound");
		return 1;
	}
	memset(p, 1, size);
	printf("%zu\n", size / (size_t)sysconf(_SC_PAGESIZE));
	fflush(stdout);
	pause();
	return 0;
}
