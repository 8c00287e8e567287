// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drmgr: reads all its arguments (verbs.c, compat.c) before it does anything. Then it asks the daemon (check.c,
 * migrate.c, status.c) or looks into the journal (log.c). It decides nothing about migrations.
 */
#include "cmd/fallback.h"
#include "cmd/say.h"
#include "cmd/verbs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static int run_platform(const struct request *req)
{
	if (req->score)
		return do_score(req);
	if (req->moved)
		return do_moved();
	return req->pages.set ? do_pages(req) : do_platform(req);
}

static int run(const struct request *req, char *const argv[])
{
	const char *original = fallback_original(&fallback_system) ?: fallback_system.originals[0];

	switch (req->op) {
	case REQUEST_HELP:
		print_help(stdout, req->verb);
		return DR_EXIT_DONE;
	case REQUEST_VERSION:
		printf("drmgr %s\n", DRMGR_VERSION);
		return DR_EXIT_DONE;
	case REQUEST_ORIGINAL:
		return do_original(original, argv);
	case REQUEST_CAPABILITIES:
		return do_capabilities(original, argv);
	case REQUEST_CHECK:
		return do_check(req, &fallback_system, argv);
	case REQUEST_MIGRATE:
		return do_migrate(req, &fallback_system, argv);
	case REQUEST_SIMULATE:
		return do_simulate(req);
	case REQUEST_STATUS:
		return req->has_stream ? do_result(req) : do_status();
	case REQUEST_PLATFORM:
		return run_platform(req);
	case REQUEST_LOG:
		return do_log(req);
	}
	return DR_EXIT_ERROR;
}

static bool of_the_hmc(const struct request *req)
{
	return req->op == REQUEST_CHECK || req->op == REQUEST_MIGRATE ||
	       req->op == REQUEST_CAPABILITIES;
}

/*
 * If stdout or stderr is closed, the connection to the daemon would get its number, and what is printed would be sent
 * to the daemon. So a closed one is /dev/null.
 */
static void fill_standard_fds(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return;
}

/*
 * The HMC's caller may lose its terminal, its pipe or its session. That must change neither the migration nor the exit
 * status.
 */
static void prepare(const struct request *req)
{
	sigset_t set;

	if (req->op == REQUEST_ORIGINAL || req->op == REQUEST_CAPABILITIES)
		return;
	fill_standard_fds();
	if (of_the_hmc(req)) {
		signal(SIGPIPE, SIG_IGN);
		say_without_waiting();
	}
	if (req->op == REQUEST_MIGRATE) {
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigaddset(&set, SIGHUP);
		sigaddset(&set, SIGINT);
		sigprocmask(SIG_BLOCK, &set, NULL);
	}
}

int main(int argc, char *argv[])
{
	struct request req;
	struct errline err;
	int status;

	status = request_parse(argc, argv, &req, &err);
	if (status) {
		signal(SIGPIPE, SIG_IGN); /* the status is what counts */
		say_without_waiting();
		fprintf(stderr, "drmgr: %s\n", err.text);
		return status;
	}
	prepare(&req);
	if (req.ignored[0])
		say(LOG_NOTICE, "ignored: ", req.ignored);
	status = run(&req, argv);
	if ((fflush(stdout) == EOF || ferror(stdout)) && status == DR_EXIT_DONE) {
		perror("drmgr: cannot write");
		return DR_EXIT_ERROR;
	}
	return status;
}
