// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The private socket: by it root reaches the daemon without the bus, which may have no connection left for root,
 * hang, or not exist. It speaks D-Bus, peer to peer. systemd listens on it (drmgrd.socket), so a connection also
 * starts the daemon. Without systemd the daemon itself listens.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <systemd/sd-daemon.h>

#include "daemon/bus.h"
#include "daemon/manager.h"

/* How many connections there may be, and how long one may say nothing. */
#define PEERS_MAX   64
#define SILENT_USEC (10 * USEC_PER_SEC)
#define AGAIN_USEC  USEC_PER_SEC

struct peer {
	LIST_ENTRY(peer) node;
	struct private_socket *p;
	sd_bus *bus;
	sd_event_source *silent;
};

struct private_socket {
	struct manager *m;
	sd_event_source *accept;
	sd_event_source *again; /* try to accept again */
	LIST_HEAD(, peer) peers;
	unsigned nr_peers;
};

static void peer_free(struct peer *peer)
{
	LIST_REMOVE(peer, node);
	peer->p->nr_peers--;
	bus_forget(peer->bus, NULL, peer->p->m);
	sd_event_source_disable_unref(peer->silent);
	sd_bus_close_unref(peer->bus);
	free(peer);
}

static int on_disconnected(_unused_ sd_bus_message *m, void *userdata, _unused_ sd_bus_error *e)
{
	peer_free(userdata);
	return 1;
}

static int on_silent(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
	log_notice("A process on the private socket said nothing; its connection is closed.");
	peer_free(userdata);
	return 0;
}

static int on_message(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *e)
{
	struct peer *peer = userdata;

	if (sd_bus_message_is_method_call(m, NULL, NULL))
		peer->silent = sd_event_source_disable_unref(peer->silent);
	return 0;
}

static int start_bus(struct peer *peer, int fd)
{
	sd_id128_t id;
	int r = sd_id128_randomize(&id);

	if (r >= 0)
		r = sd_bus_new(&peer->bus);
	if (r >= 0)
		r = sd_bus_set_fd(peer->bus, fd, fd);
	if (r < 0) {
		safe_close(fd);
		return r;
	}
	r = sd_bus_set_server(peer->bus, true, id);
	/* is_roots() has checked who it is. */
	if (r >= 0)
		r = sd_bus_set_trusted(peer->bus, true);
	if (r >= 0)
		r = sd_bus_start(peer->bus);
	if (r >= 0)
		r = sd_bus_match_signal(peer->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
					"org.freedesktop.DBus.Local", "Disconnected",
					on_disconnected, peer);
	if (r >= 0)
		r = sd_bus_add_filter(peer->bus, NULL, on_message, peer);
	return r < 0 ? r : bus_serve(peer->bus, peer->p->m, true);
}

static bool is_roots(int fd)
{
	struct ucred creds;
	socklen_t len = sizeof(creds);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &len) == 0 && creds.uid == 0;
}

/* Takes @fd. */
static void add_peer(struct private_socket *p, int fd)
{
	struct peer *peer =
		p->nr_peers < PEERS_MAX && is_roots(fd) ? calloc(1, sizeof(*peer)) : NULL;
	int r;

	if (!peer) {
		safe_close(fd);
		return;
	}
	peer->p = p;
	LIST_INSERT_HEAD(&p->peers, peer, node);
	p->nr_peers++;
	r = start_bus(peer, fd);
	if (r >= 0)
		r = sd_event_add_time(p->m->event, &peer->silent, CLOCK_BOOTTIME,
				      now_usec() + SILENT_USEC, 0, on_silent, peer);
	if (r < 0) {
		log_warning("A connection of the private socket can't be served: %s.",
			    errno_text(r));
		peer_free(peer);
	}
}

static int on_accept(sd_event_source *s, int fd, _unused_ uint32_t events, void *userdata)
{
	struct private_socket *p = userdata;
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (peer >= 0) {
		add_peer(p, peer);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		/* The connection still waits and would wake the loop again at once. */
		sd_event_source_set_enabled(s, SD_EVENT_OFF);
		sd_event_source_set_time(p->again, now_usec() + AGAIN_USEC);
		sd_event_source_set_enabled(p->again, SD_EVENT_ONESHOT);
	}
	return 0;
}

static int on_again(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
	struct private_socket *p = userdata;

	return sd_event_source_set_enabled(p->accept, SD_EVENT_ON);
}

/* Only root may ever connect, so the mode is set before the socket has its name. */
static int listen_at(const char *run_directory)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t mask;
	int r;

	if (fd < 0)
		return -errno;
	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/" PRIVATE_NAME, run_directory) >=
	    (int)sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	unlink(addr.sun_path);
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (r < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int private_new(struct private_socket **ret, struct manager *m, const char *run_directory, int fd)
{
	struct private_socket *p = calloc(1, sizeof(*p));
	int r;

	if (!p) {
		safe_close(fd);
		return log_oom();
	}
	p->m = m;
	LIST_INIT(&p->peers);
	if (fd < 0)
		fd = listen_at(run_directory);
	else
		fcntl(fd, F_SETFL, O_NONBLOCK);
	r = fd < 0 ? fd : sd_event_add_io(m->event, &p->accept, fd, EPOLLIN, on_accept, p);
	if (r < 0)
		safe_close(fd);
	else
		r = sd_event_source_set_io_fd_own(p->accept, true);
	if (r >= 0)
		r = sd_event_add_time(m->event, &p->again, CLOCK_BOOTTIME, UINT64_MAX, 0, on_again,
				      p);
	if (r >= 0)
		r = sd_event_source_set_enabled(p->again, SD_EVENT_OFF);
	if (r < 0) {
		private_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct private_socket *private_free(struct private_socket *p)
{
	struct peer *peer;

	if (!p)
		return NULL;
	while ((peer = LIST_FIRST(&p->peers)))
		peer_free(peer);
	sd_event_source_disable_unref(p->accept);
	sd_event_source_disable_unref(p->again);
	free(p);
	return NULL;
}
