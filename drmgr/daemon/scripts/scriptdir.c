// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What runs as root must belong to root. A script is checked when the directory is read and again just before it runs.
 * It is run by its path, not by a descriptor, because scripts look at $0. That is safe because only root can write to
 * any directory on the path: nobody else can replace the script between the check and the exec.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/scripts/scriptdir.h"

static int check_owner(const char *path, const struct stat *st, char *why, size_t size)
{
	if (st->st_uid != 0)
		snprintf(why, size, "%s belongs to user %u, not to root: chown root %s", path,
			 st->st_uid, path);
	else if (st->st_mode & (S_IWGRP | S_IWOTH))
		snprintf(why, size, "%s can be written to by users other than root: chmod go-w %s",
			 path, path);
	else
		return 0;
	return -EPERM;
}

/* @path is resolved and absolute; it is cut at each '/' and restored. */
static int check_parents(char *path, char *why, size_t size)
{
	for (char *p = path + strlen(path); p > path;) {
		struct stat st;
		bool root;
		int r;

		while (*p != '/')
			p--;
		root = p == path;
		*p = '\0';
		r = stat(root ? "/" : path, &st) < 0 ?
			    -errno :
			    check_owner(root ? "/" : path, &st, why, size);
		*p = '/';
		if (r < 0)
			return r;
		p -= !root;
		if (root)
			break;
	}
	return 0;
}

int script_check(const char *path, enum script_kind kind, struct stat *ret, char *why, size_t size)
{
	char real[PATH_MAX];
	struct stat st;
	int r;

	snprintf(why, size, "%s can't be read", path);
	/* AIX allows no links, powerpc-utils does. */
	if (kind == KIND_AIX && lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
		snprintf(why, size, "%s is a symbolic link: copy the script itself", path);
		return -ELOOP;
	}
	if (!realpath(path, real))
		return -errno;
	if (lstat(real, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR)) {
		snprintf(why, size, "%s is not an executable file", path);
		return -ENOEXEC;
	}
	r = check_owner(real, &st, why, size);
	if (r == 0)
		r = check_parents(real, why, size);
	if (r == 0)
		*ret = st;
	return r;
}

static struct script *script_free(struct script *s)
{
	if (!s)
		return NULL;
	free(s->name);
	free(s->path);
	free(s);
	return NULL;
}

DEFINE_CLEANUP(struct script *, script_free)

void script_list_clear(struct script_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		script_free(l->v[i]);
	free(l->v);
	*l = (struct script_list){ 0 };
}

struct script *script_list_find(const struct script_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i]->name, name) == 0)
			return l->v[i];
	return NULL;
}

static bool same_contents(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* powerpc-utils runs every name. AIX's directory is filled by drmgr -i, so what editors leave there is no script. */
static bool name_is_fine(const char *name, enum script_kind kind)
{
	size_t n = strlen(name);

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	if (kind == KIND_HOOK)
		return true;
	return name[0] != '.' && name[n - 1] != '~' && !strstr(name, ".dpkg-") &&
	       !strstr(name, ".rpm");
}

static int add(struct script_list *l, const struct script_list *old, const char *directory,
	       const char *name, const struct stat *st)
{
	_cleanup_(script_freep) struct script *s = calloc(1, sizeof(*s));
	const struct script *before = script_list_find(old, name);
	struct script **v;

	if (!s)
		return log_oom();
	if (before && !before->failed && same_contents(&before->st, st))
		*s = *before;
	s->st = *st;
	s->name = strdup(name);
	s->path = NULL;
	if (!s->name || asprintf(&s->path, "%s/%s", directory, name) < 0)
		return log_oom();
	v = reallocarray(l->v, l->n + 1, sizeof(*v));
	if (!v)
		return log_oom();
	l->v = v;
	v[l->n++] = TAKE_PTR(s);
	return 0;
}

int script_list_scan(struct script_list *l, const char *directory, enum script_kind kind,
		     const struct eventlog *log)
{
	const char *what = kind == KIND_HOOK ? "hook" : "script";
	struct script_list next = { 0 };
	struct dirent **entries = NULL;
	int n = scandir(directory, &entries, NULL, versionsort), r = 0;

	if (n < 0 && errno != ENOENT) {
		r = -errno;
		eventlog_note(log, LOG_WARNING, what, NULL, "%s can't be read: %s", directory,
			      errno_text(r));
	}
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX], why[512];
		struct stat st;

		if (r == 0 && name_is_fine(entries[i]->d_name, kind)) {
			snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
			r = script_check(path, kind, &st, why, sizeof(why));
			if (r == 0)
				r = add(&next, l, directory, entries[i]->d_name, &st);
			else {
				if (r != -ENOEXEC)
					eventlog_note(log, LOG_ERR, what, entries[i]->d_name,
						      "%s is not run: %s", what, why);
				r = 0;
			}
		}
		free(entries[i]);
	}
	free(entries);
	if (r < 0) {
		script_list_clear(&next);
		return r;
	}
	script_list_clear(l);
	*l = next;
	return 0;
}
