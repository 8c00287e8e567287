// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Without the module: the stream ID is written to /sys/kernel/mobility/migration by a child, because the write
 * lasts as long as the migration. The kernel waits for Suspending inside the write and nobody outside can see it, so
 * PRE comes at once, as in powerpc-utils; no driver is asked, and no change is known but that of the machine's identity.
 * This back end goes through the module's states, so that the session sees no difference.
 *
 * We are woken when others write to the file, too (inotify). That does not say how the migration went, or even that
 * something was written; the partition has moved if the machine is another one.
 *
 * The child outlives the daemon, and with it the write; its pipe, kept by systemd, tells the next daemon when it has
 * ended and how.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "daemon/base/notify.h"
#include "daemon/base/runner.h"
#include "daemon/platform/identity.h"
#include "daemon/platform/sysfs.h"

#define MIGRATION_FILE "/sys/kernel/mobility/migration"

struct sysfs {
	struct backend b;
	sd_event *event;
	sd_event_source *later;
	struct runner *runner;
	sd_event_source *kept;	  /* the pipe of an earlier daemon's child */
	sd_event_source *writes;  /* to the file, whoever makes them; NULL: can't be watched */
	struct identity identity; /* of the machine, when it was last reported */
	int error;		  /* of the write */
	uint64_t stream;
	uint32_t seq;
	/* the command that later() completes */
	enum pmig_cmd command;
	backend_done_t done;
	void *userdata;
};

static void take_changes(struct sysfs *s, struct kernel_state *k)
{
	struct identity now;

	identity_read(&now);
	if (identity_changes(&s->identity, &now, &k->rows) < 0)
		log_oom();
	s->identity = now;
}

static void enter(struct sysfs *s, uint32_t state, int error, const char *reason)
{
	struct kernel_state k = {
		.stream = s->stream,
		.state = state,
		.seq = ++s->seq,
		.error = (uint32_t)error,
		.owner = state == PMIG_STATE_NONE ? 0 : 1,
	};

	if (state == PMIG_STATE_COMPLETED)
		take_changes(s, &k);
	snprintf(k.engine, sizeof(k.engine), "sysfs");
	snprintf(k.reason, sizeof(k.reason), "%s", reason);
	backend_set_state(&s->b, &k);
}

/* A session of somebody else's that is over, and that nobody owns yet. */
static void look_for_move(struct sysfs *s)
{
	struct kernel_state k = {
		.state = PMIG_STATE_COMPLETED,
		.flags = PMIG_F_FOREIGN,
		.seq = s->seq + 1,
	};
	struct identity now;

	identity_read(&now);
	if (s->b.state.state != PMIG_STATE_NONE || identity_same(&s->identity, &now))
		return;
	s->seq++;
	s->stream = 0;
	take_changes(s, &k);
	snprintf(k.engine, sizeof(k.engine), "sysfs");
	backend_set_state(&s->b, &k);
}

static int on_write(_unused_ sd_event_source *source, _unused_ const struct inotify_event *event,
		    void *userdata)
{
	look_for_move(userdata);
	return 0;
}

/* In the child. What it prints is read by the daemon that runs then. */
static int write_stream(void *userdata)
{
	const struct sysfs *s = userdata;
	char text[32];
	int r;

	snprintf(text, sizeof(text), "0x%" PRIx64 "\n", s->stream);
	r = write_text_file(MIGRATION_FILE, text);
	dprintf(STDOUT_FILENO, "%d\n", -r);
	return 0;
}

static void on_line(void *userdata, const char *line)
{
	struct sysfs *s = userdata;
	uint64_t error;

	if (parse_u64(line, 10, 4095, &error) == 0)
		s->error = (int)error;
}

static void ended(struct sysfs *s)
{
	if (s->error == 0)
		enter(s, PMIG_STATE_COMPLETED, 0, "");
	else
		enter(s, PMIG_STATE_FAILED, s->error, errno_text(s->error));
}

static void on_written(void *userdata, _unused_ const struct run_result *result)
{
	struct sysfs *s = userdata;

	s->runner = runner_free(s->runner);
	ended(s);
}

/* The pipe of another daemon's child has something to say, or has been closed by its end. */
static int on_kept(_unused_ sd_event_source *source, int fd, _unused_ uint32_t events,
		   void *userdata)
{
	struct sysfs *s = userdata;
	char text[32];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0) {
		text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		on_line(s, text);
		return 0;
	}
	s->kept = sd_event_source_disable_unref(s->kept);
	notify("FDSTOREREMOVE=1\nFDNAME=" SYSFS_OUTPUT_NAME);
	ended(s);
	return 0;
}

static void suspend(struct sysfs *s)
{
	int r;

	s->error = EIO; /* until it says otherwise */
	r = runner_start(&s->runner, s->event,
			 &(struct run_spec){
				 .stop_signal = SIGKILL,
				 .keep = SYSFS_OUTPUT_NAME,
				 .line = on_line,
				 .function = write_stream,
				 .done = on_written,
				 .userdata = s,
			 });

	enter(s, r < 0 ? PMIG_STATE_FAILED : PMIG_STATE_SUSPENDING, -r, r < 0 ? errno_text(r) : "");
}

static int act(struct sysfs *s)
{
	uint32_t state = s->b.state.state;

	switch (s->command) {
	case PMIG_CMD_CHECK:
	case PMIG_CMD_BEGIN:
		if (state != PMIG_STATE_NONE)
			return -EBUSY;
		if (access(MIGRATION_FILE, W_OK) < 0)
			return -ENODEV;
		enter(s, s->command == PMIG_CMD_CHECK ? PMIG_STATE_CHECKED : PMIG_STATE_QUIESCE, 0,
		      "");
		return 0;
	case PMIG_CMD_PRE:
		enter(s, PMIG_STATE_READY, 0, "");
		return 0;
	case PMIG_CMD_SUSPEND:
		suspend(s);
		return 0;
	case PMIG_CMD_CANCEL:
		/* There is nobody to ask to cancel, but nothing has been written, either. */
		enter(s, PMIG_STATE_FAILED, ECANCELED, "not handed to the kernel");
		return 0;
	case PMIG_CMD_ADOPT:
		return state == PMIG_STATE_NONE ? -ENOENT : 0;
	case PMIG_CMD_END:
		enter(s, PMIG_STATE_NONE, 0, "");
		/* Our write may have failed because somebody else's moved the partition. */
		look_for_move(s);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int later(_unused_ sd_event_source *source, void *userdata)
{
	struct sysfs *s = userdata;
	backend_done_t done = s->done;
	int r = act(s);

	s->done = NULL;
	if (done)
		done(s->userdata, r, r == -ENODEV ? "there is no " MIGRATION_FILE : "");
	return 0;
}

static int command(struct backend *b, enum pmig_cmd command, const struct backend_args *args,
		   backend_done_t done, void *userdata)
{
	struct sysfs *s = (struct sysfs *)b;

	if (s->done)
		return -EBUSY;
	s->command = command;
	s->done = done;
	s->userdata = userdata;
	if (command == PMIG_CMD_CHECK || command == PMIG_CMD_BEGIN)
		s->stream = args->stream;
	return sd_event_source_set_enabled(s->later, SD_EVENT_ONESHOT);
}

static void forget(struct backend *b, void *userdata)
{
	struct sysfs *s = (struct sysfs *)b;

	if (s->userdata == userdata)
		s->done = NULL;
}

static bool ready(_unused_ struct backend *b)
{
	return access(MIGRATION_FILE, W_OK) == 0;
}

static void sysfs_free(struct backend *b)
{
	struct sysfs *s = (struct sysfs *)b;

	if (!s)
		return;
	runner_free(s->runner);
	sd_event_source_disable_unref(s->writes);
	sd_event_source_disable_unref(s->kept);
	sd_event_source_disable_unref(s->later);
	kernel_state_clear(&s->b.state);
	sd_event_unref(s->event);
	free(s);
}

static const struct backend_ops sysfs_ops = {
	.name = "sysfs",
	.engine = "sysfs",
	.command = command,
	.forget = forget,
	.ready = ready,
	.free = sysfs_free,
};

int sysfs_new(struct backend **ret, sd_event *event)
{
	struct sysfs *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return log_oom();
	s->b.ops = &sysfs_ops;
	s->event = sd_event_ref(event);
	r = sd_event_add_defer(event, &s->later, later, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->later, SD_EVENT_OFF);
	if (r < 0) {
		sysfs_free(&s->b);
		return r;
	}
	identity_read(&s->identity);
	/* Not IN_MODIFY, which comes with O_TRUNC, too: the device tree may be in the middle of its update. */
	r = sd_event_add_inotify(event, &s->writes, MIGRATION_FILE, IN_CLOSE_WRITE, on_write, s);
	if (r < 0)
		log_info(MIGRATION_FILE " can't be watched: %s.", errno_text(r));
	*ret = &s->b;
	return 0;
}

bool sysfs_watches(const struct backend *b)
{
	return ((const struct sysfs *)b)->writes;
}

void sysfs_restore(struct backend *b, uint64_t stream, int output)
{
	struct sysfs *s = (struct sysfs *)b;

	s->stream = stream;
	s->error = EIO;
	if (sd_event_add_io(s->event, &s->kept, output, EPOLLIN, on_kept, s) < 0) {
		safe_close(output);
		return;
	}
	sd_event_source_set_io_fd_own(s->kept, true);
	enter(s, PMIG_STATE_SUSPENDING, 0, "");
}
