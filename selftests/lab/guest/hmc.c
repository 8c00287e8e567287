// SPDX-License-Identifier: GPL-2.0-only
/*
 * hmc REQUEST...: ask the lab from a shell. Prints the answer; exits 0 for ok, 1 for an error of the lab,
 * 2 if the lab could not be asked.
 */
#include "lab.h"

int main(int argc, char **argv)
{
	char request[LAB_LINE_MAX] = "", reply[LAB_LINE_MAX] = "";
	size_t used = 0;
	int i, r;

	for (i = 1; i < argc && used < sizeof(request); i++)
		used += snprintf(request + used, sizeof(request) - used, "%s%s", i > 1 ? " " : "",
				 argv[i]);
	if (argc < 2 || used >= sizeof(request)) {
		fprintf(stderr, "usage: hmc REQUEST...  (try: hmc help)\n");
		return 2;
	}
	r = lab_hmc(reply, sizeof(reply), "%s", request);
	if (r == -EPROTO) {
		fprintf(stderr, "hmc: %s\n", reply);
		return 1;
	}
	if (r < 0) {
		fprintf(stderr, "hmc: no answer from the lab: %s\n", strerror(-r));
		return 2;
	}
	if (*reply)
		puts(reply);
	return 0;
}
