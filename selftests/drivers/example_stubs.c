// SPDX-License-Identifier: GPL-2.0
/*
 * The example of a driver, built for a kernel without pmig, as Kbuild leaves PMIG_OUT_OF_TREE out
 * for this file: it needs no other module, and is told nothing.
 */
#include "../../Documentation/examples/driver/example_driver.c"
