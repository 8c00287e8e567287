// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the processor's version register, as hexadecimal digits. A program may not read it; Linux does it for the
 * program, at that moment, where /proc/cpuinfo says what the register was when the processor was started.
 */
#include <stdio.h>

int main(void)
{
#ifdef __powerpc__
	unsigned long pvr;

	asm volatile("mfspr %0, 287" : "=r"(pvr));
	printf("%08lx\n", pvr);
	return 0;
#else
	return 4;
#endif
}
