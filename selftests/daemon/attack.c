// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * attack USERS EACH: all that somebody without any right may try to delay or stop a migration. Started by
 * root, it becomes USERS ordinary users, from uid 20000 on (the bus wants to know them), with EACH applications,
 * silent, stopped or lying, and nobody, with one process for each other way in. Prints "ready" when all of
 * them are at work, and "way in: ..." for what should have been refused; attacks until it is killed.
 */
#include "shared/busnames.h"
#include "shared/cleanup.h"
#include "shared/wire.h"

#include <dr.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "uapi/linux/pmig.h"

#define FIRST_UID  20000
#define NOBODY	   65534
#define EACH_MAX   1024
#define TIMEOUT_MS 3600000 /* what they ask for */
#define PROCESSES  24	   /* the limit that a site sets for its users */
#define PAUSE_USEC \
	20000 /* the processor is shared, as by any program; what is attacked is not its speed */
#define LOCK_FILE "/run/lock/dr_config_lock"
#define PRIVATE	  "/run/drmgr/private"

static int ready_fd = -1; /* one byte from each that is at work */

static void way_in(const char *what)
{
	printf("way in: %s (uid %u)\n", what, getuid());
	fflush(stdout);
}

static void is_ready(void)
{
	if (write(ready_fd, "", 1) != 1)
		exit(1);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

/* ---- applications */

static sd_bus *open_bus(void)
{
	sd_bus *bus;
	int r;

	/* The bus may have no room for one more: it is asked until it has. */
	while ((r = sd_bus_open_system(&bus)) < 0)
		usleep(PAUSE_USEC);
	return bus;
}

/* Returns the descriptor, or a negative errno. */
static int do_register(sd_bus *bus, const char *name, int pidfd, uint32_t flags)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	int r, fd = -1;

	r = sd_bus_call_method(bus, DR_BUS_NAME, DR_BUS_PATH, DR_BUS_INTERFACE, "Register", &error,
			       &reply, "shuuiu", name, pidfd,
			       DR_PHASES_DEFAULT | DR_PHASES(DR_PHASE_BEGIN), flags, 0, TIMEOUT_MS);
	if (r >= 0)
		r = sd_bus_message_read(reply, "h", &fd);
	if (r >= 0)
		r = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return r;
}

static void fill_quota(int each, int fds[])
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	char name[DR_NAME_LEN];
	sd_bus *bus = open_bus();

	for (int n = 0; n < each; n++) {
		/* with what a terminal would take for orders */
		snprintf(name, sizeof(name), "%d \033[2J\nrefused by root: ", n);
		fds[n] = do_register(bus, name, pidfd, DR_MAY_REFUSE | DR_REQUIRED);
		if (fds[n] < 0) {
			fprintf(stderr, "attack: uid %u gets %d of %d: %s\n", getuid(), n, each,
				strerror(-fds[n]));
			exit(1);
		}
	}
	if (do_register(bus, "one more", pidfd, 0) >= 0)
		way_in("more applications than MaxApplicationsPerUser=");
	sd_bus_close(bus);
	sd_bus_unref(bus);
}

/* One application in four sends what the daemon drops a sender for; the others give a wrong answer in every phase. */
static void lie(int fd, int n, const struct wire_event *event)
{
	struct wire_answer answer = { .gen = event->gen, .error = EBUSY };
	size_t len = sizeof(answer);

	strcpy(answer.reason, "\033[2J\nrefused by root: ");
	if (n % 4 == 0)
		answer.gen += 7;
	if (n % 4 == 1)
		answer.error = UINT_MAX;
	if (n % 4 == 2)
		send(fd, &answer, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n % 4 == 3)
		memset(answer.reason, 'x', sizeof(answer.reason));
	send(fd, &answer, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void answer_all(int n, int fds[])
{
	static char buf[WIRE_EVENT_MAX];
	struct pollfd p[EACH_MAX];
	int i;

	for (i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	poll(p, (nfds_t)n, -1);
	for (i = 0; i < n; i++) {
		ssize_t len = p[i].revents ? recv(fds[i], buf, sizeof(buf), MSG_DONTWAIT) : -1;

		if (len >= (ssize_t)sizeof(struct wire_event))
			lie(fds[i], i, (struct wire_event *)buf);
		else if (p[i].revents)
			fds[i] = -1;
	}
}

static void application(int each, int kind)
{
	static int fds[EACH_MAX];

	fill_quota(each, fds);
	is_ready();
	if (kind == 0)
		wait_for_ever();
	if (kind == 1)
		raise(SIGSTOP);
	for (;;)
		answer_all(each, fds);
}

/* ---- what the user nobody tries */

/* Held by this process from then on, whatever the file is called by that time */
static void lock(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	static bool told;
	struct stat st;

	if (fcntl(fd, F_SETLK, &lock) < 0 || fstat(fd, &st) < 0 || st.st_uid == NOBODY || told)
		return;
	told = true;
	way_in("a lock on the DLPAR lock's file");
}

static void lock_the_lock(void)
{
	is_ready();
	for (;; usleep(PAUSE_USEC)) {
		int fd = open(LOCK_FILE, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			lock(fd);
		if (rename(LOCK_FILE, LOCK_FILE ".away") == 0)
			way_in("the DLPAR lock's file can be taken away");
	}
}

static const char *const methods[] = { "Check", "Migrate", "Simulate" };

static void call(sd_bus *bus, const char *method)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	int r;

	if (!strcmp(method, "Simulate"))
		r = sd_bus_call_method(bus, DR_BUS_NAME, DR_BUS_PATH, DR_BUS_INTERFACE, method,
				       &error, &reply, "a{sv}", 0);
	else
		r = sd_bus_call_method(bus, DR_BUS_NAME, DR_BUS_PATH, DR_BUS_INTERFACE, method,
				       &error, &reply, "ta{sv}", 1, 0);
	if (r >= 0)
		way_in(method);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
}

/* Calls without end, whose answers it does not read, of each method and with a name that is no name */
static void flood_the_bus(void)
{
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int init = (int)syscall(SYS_pidfd_open, 1, 0);
	char *name = malloc(1 << 20);
	sd_bus *bus = open_bus();
	size_t i;

	memset(name, 'x', (1 << 20) - 1);
	name[(1 << 20) - 1] = '\0';
	if (do_register(bus, "another process", init, 0) >= 0)
		way_in("an application in another process's name");
	if (do_register(bus, name, self, 0) >= 0)
		way_in("a name of a megabyte");
	is_ready();
	for (i = 0;; usleep(PAUSE_USEC)) {
		call(bus, methods[i++ % ARRAY_SIZE(methods)]);
		for (int n = 0; n < 8; n++) {
			sd_bus_message *m = NULL;

			if (sd_bus_message_new_method_call(bus, &m, DR_BUS_NAME, DR_BUS_PATH,
							   DR_BUS_INTERFACE, "GetStatus") >= 0)
				sd_bus_send(bus, m, NULL);
			sd_bus_message_unref(m);
		}
		if (sd_bus_flush(bus) < 0) {
			sd_bus_unref(bus);
			bus = open_bus();
		}
	}
}

/* Registers and leaves again, all the time */
static void come_and_go(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	sd_bus *bus = open_bus();

	is_ready();
	for (;; usleep(PAUSE_USEC)) {
		int fd = do_register(bus, "come-and-go", pidfd, 0);

		if (fd >= 0)
			close(fd);
		else if (!sd_bus_is_open(bus))
			bus = open_bus();
	}
}

/* As many connections as it gets, each of which says that it is root and then waits for ever */
static void connect_to_root(void)
{
	static const struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = PRIVATE };
	static const char hello[] = "\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
	bool told = false;

	is_ready();
	for (;; usleep(PAUSE_USEC)) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0) {
			close(fd);
			continue;
		}
		if (!told)
			way_in("root's own socket");
		told = true;
		send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL);
	}
}

/* ---- netlink */

static char netlink_buf[65536];

/* Returns what the kernel answers: 0 or a negative errno. */
static int talk(struct mnl_socket *s, struct nlmsghdr *h, mnl_cb_t cb, void *data)
{
	ssize_t n;

	h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(s, netlink_buf, sizeof(netlink_buf));
		if (n < 0)
			return -errno;
		n = mnl_cb_run(netlink_buf, (size_t)n, 0, mnl_socket_get_portid(s), cb, data);
	} while (n > 0);
	return n < 0 ? -errno : 0;
}

static struct nlmsghdr *message(char *buf, uint16_t family, uint8_t command)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	h->nlmsg_type = family;
	g->cmd = command;
	g->version = 1;
	return h;
}

static int take_family(const struct nlmsghdr *h, void *data)
{
	struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID)
			*(uint16_t *)data = mnl_attr_get_u16(a);
	return MNL_CB_OK;
}

/* Each command, in every state that the session comes to */
static void order_the_module(void)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_GENERIC);
	char buf[4096];
	struct nlmsghdr *h = message(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	uint16_t family = 0;

	mnl_attr_put_strz(h, CTRL_ATTR_FAMILY_NAME, PMIG_GENL_NAME);
	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		exit(1);
	talk(s, h, take_family, &family);
	is_ready();
	if (!family) /* no module here */
		wait_for_ever();
	for (uint8_t command = PMIG_CMD_CHECK;; usleep(PAUSE_USEC)) {
		h = message(buf, family, command);
		if (command == PMIG_CMD_CHECK || command == PMIG_CMD_BEGIN)
			mnl_attr_put_u64(h, PMIG_A_STREAM, 1);
		if (command == PMIG_CMD_CANCEL)
			mnl_attr_put_u32(h, PMIG_A_ERRNO, EPERM);
		if (talk(s, h, NULL, NULL) == 0)
			way_in("a command of the module");
		command = command == PMIG_CMD_END ? PMIG_CMD_CHECK : command + 1;
	}
}

/* As many processes as there may be, and each ends to make room for the next; processor time is not what they are after. */
static void fork_bomb(void)
{
	is_ready();
	signal(SIGCHLD, SIG_IGN);
	for (;; usleep(PAUSE_USEC))
		if (fork() == 0) {
			usleep(100 * PAUSE_USEC);
			_exit(0);
		}
}

/* ---- starting them */

static void (*const ways[])(void) = {
	lock_the_lock, flood_the_bus, come_and_go, connect_to_root, order_the_module, fork_bomb,
};

static void become(uid_t uid)
{
	struct rlimit limit = { PROCESSES, PROCESSES };

	if (setgroups(0, NULL) < 0 || setgid(uid) < 0 || setuid(uid) < 0 ||
	    setrlimit(RLIMIT_NPROC, &limit) < 0)
		exit(1);
	/* What ends us ends all of it; and a user's program may be looked at by its pidfd. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	int users = argc == 3 ? atoi(argv[1]) : -1, each = argc == 3 ? atoi(argv[2]) : -1;
	int i, pipefd[2], all = users + (int)ARRAY_SIZE(ways);
	char c;

	if (users < 0 || each < 0 || each > EACH_MAX || pipe2(pipefd, O_CLOEXEC) < 0) {
		fputs("attack USERS EACH\n", stderr);
		return 64;
	}
	ready_fd = pipefd[1];
	for (i = 0; i < all; i++) {
		if (fork())
			continue;
		become(i < users ? FIRST_UID + (uid_t)i : NOBODY);
		if (i < users)
			application(each, i % 3);
		ways[i - users]();
	}
	close(pipefd[1]);
	for (i = 0; i < all; i++)
		if (read(pipefd[0], &c, 1) != 1)
			return 1;
	puts("ready");
	fflush(stdout);
	wait_for_ever();
}
