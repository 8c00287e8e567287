// SPDX-License-Identifier: GPL-2.0
/*
 * Domains as H_HOME_NODE_ASSOCIATIVITY packs them: a field of 16 bits whose highest bit is set is a
 * number of 15 bits, else it is the upper half of a number that the next field completes; all ones
 * end the list. arch/powerpc/platforms/pseries/vphn.c describes it, and is not exported.
 */
#include "packed.h"

#define END   0xffff
#define SHORT 0x8000

/**
 * pmig_unpack() - unpack a list of domains
 * @reg: the registers
 * @domain: receives the numbers
 *
 * Return: how many there are.
 */
unsigned int pmig_unpack(const unsigned long reg[PMIG_PACKED_REGS],
			 __u32 domain[PMIG_PACKED_FIELDS])
{
	unsigned int i, n = 0;
	__u16 field, high = 0;
	bool half = false;

	for (i = 0; i < PMIG_PACKED_FIELDS; i++) {
		field = (unsigned long long)reg[i / 4] >> (48 - i % 4 * 16);
		if (half)
			domain[n++] = (__u32)high << 16 | field;
		else if (field == END)
			break;
		else if (field & SHORT)
			domain[n++] = field & ~SHORT;
		half = !half && !(field & SHORT);
		high = field;
	}
	return n;
}
