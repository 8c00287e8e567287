/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PMIG_TEST_STUBS_H
#define PMIG_TEST_STUBS_H

int pmig_test_stubs(void);

#endif /* PMIG_TEST_STUBS_H */
