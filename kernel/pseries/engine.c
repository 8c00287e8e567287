// SPDX-License-Identifier: GPL-2.0
/*
 * PowerVM. The stream's state and its end are two hypervisor calls; the suspension itself is
 * mainline's, which begins when the stream ID is written to /sys/kernel/mobility/migration and
 * returns from that write when all is over. The worker cannot rely on what is mounted where, so it
 * reaches the file through a mount of sysfs that only the module has.
 */
#include <asm/firmware.h>
#include <asm/hvcall.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/sched/task.h>

#include "blackout.h"
#include "engine.h"
#include "memory-node.h"
#include "snapshot.h"
#include "watch.h"

#define MIGRATION_FILE "kernel/mobility/migration"
#define VAS_DIR	       "devices/virtual/misc/vas/vas0/gzip/"

/* How often a hypervisor that is busy is asked, and how long it is left alone meanwhile. */
#define BUSY_TRIES 20
#define BUSY_MS	   10

static struct vfsmount *sysfs;

/*
 * The hypervisor is asked again while it is busy: a caller that asks only once, after a failed
 * write for instance, needs an answer.
 */
static bool ask_again(long rc, unsigned int *tries)
{
	if ((rc != H_BUSY && !H_IS_LONG_BUSY(rc)) || !--*tries)
		return false;
	msleep(BUSY_MS);
	return true;
}

static int pseries_get_state(u64 stream, enum pmig_vasi *vasi)
{
	unsigned long ret[PLPAR_HCALL_BUFSIZE];
	unsigned int tries = BUSY_TRIES;
	long rc;

	do {
		rc = plpar_hcall(H_VASI_STATE, ret, stream);
	} while (ask_again(rc, &tries));
	switch (rc) {
	case H_SUCCESS:
		*vasi = ret[0] <= PMIG_VASI_COMPLETED ? ret[0] : PMIG_VASI_INVALID;
		return 0;
	case H_PARAMETER:
		return -ENOENT;
	case H_FUNCTION:
		return -EOPNOTSUPP;
	default:
		pr_warn_ratelimited("H_VASI_STATE of stream 0x%llx: %ld\n", stream, rc);
		return -EIO;
	}
}

static int pseries_cancel(u64 stream, u32 reason)
{
	unsigned int tries = BUSY_TRIES;
	long rc;

	do {
		rc = plpar_hcall_norets(H_VASI_SIGNAL, stream, H_VASI_SIGNAL_CANCEL, reason);
	} while (ask_again(rc, &tries));
	if (rc == H_SUCCESS)
		return 0;
	pr_notice_ratelimited("H_VASI_SIGNAL(cancel) of stream 0x%llx: %ld\n", stream, rc);
	return rc == H_PARAMETER ? -ENOENT : -EIO;
}

/* Finds the file even where it may not be opened for writing. */
static struct file *find_file(void)
{
	return file_open_root_mnt(sysfs, MIGRATION_FILE, O_PATH, 0);
}

/* Opens it with the rights of the kernel, whoever the caller is. */
static struct file *open_ourselves(void)
{
	struct cred *cred = prepare_kernel_cred(&init_task);
	const struct cred *old;
	struct file *file;

	if (!cred)
		return ERR_PTR(-ENOMEM);
	old = override_creds(cred);
	file = file_open_root_mnt(sysfs, MIGRATION_FILE, O_WRONLY, 0);
	revert_creds(old);
	put_cred(cred);
	return file;
}

/* Is it the file that we would have opened? */
static bool is_ours(const struct file *file)
{
	struct file *here = find_file();
	bool yes;

	if (IS_ERR(here))
		return false;
	yes = file->f_mode & FMODE_WRITE && file_inode(file) == file_inode(here);
	fput(here);
	return yes;
}

/*
 * Our mount is private, but it shares its superblock with /sys: if that is read-only, nobody can
 * open the file for writing; once the file is open it stays writable. A security module may deny
 * the kernel what it allows drmgrd, and then the descriptor of drmgrd serves.
 */
static struct file *pseries_open(enum pmig_operation operation, int fd)
{
	struct file *file, *given;

	if (operation != PMIG_OPERATION_MIGRATE)
		return ERR_PTR(-EOPNOTSUPP);
	file = open_ourselves();
	if (!IS_ERR(file) || fd < 0)
		return file;
	given = fget(fd);
	if (given && is_ours(given))
		return given;
	if (given)
		fput(given);
	return file;
}

/* With the rights of whoever opened the file: a security module may check them again. */
static int write_stream(struct file *file, u64 stream)
{
	const struct cred *old = override_creds(file->f_cred);
	char text[24];
	loff_t pos = 0;
	ssize_t rc;
	int len;

	len = scnprintf(text, sizeof(text), "0x%llx\n", stream);
	rc = kernel_write(file, text, len, &pos);
	revert_creds(old);
	return rc < 0 ? rc : 0;
}

static int pseries_suspend(enum pmig_operation operation, u64 stream, struct file *file,
			   u64 *blackout_ns)
{
	u64 ns;
	int err;

	if (operation != PMIG_OPERATION_MIGRATE)
		return -EOPNOTSUPP;
	pmig_watch_own_begins();
	err = write_stream(file, stream);
	ns = pmig_blackout();
	pmig_watch_own_ends(err);
	if (!err && ns)
		*blackout_ns = ns;
	return err;
}

static unsigned int read_uint(const char *path)
{
	unsigned int value = 0;
	struct file *file;
	char text[24] = "";
	loff_t pos = 0;

	file = file_open_root_mnt(sysfs, path, O_RDONLY, 0);
	if (IS_ERR(file))
		return 0;
	if (kernel_read(file, text, sizeof(text) - 1, &pos) <= 0 ||
	    kstrtouint(strim(text), 0, &value))
		value = 0;
	fput(file);
	return value;
}

/*
 * Mainline closes NX-GZIP windows as soon as it gets the stream, as they fault while memory is
 * copied.
 */
static bool pseries_quiesce_now(void)
{
	return read_uint(VAS_DIR "default_capabilities/nr_used_credits") ||
	       read_uint(VAS_DIR "qos_capabilities/nr_used_credits");
}

static struct pmig_engine pseries = {
	.name = "pseries",
	.owner = THIS_MODULE,
	.rank = 0,
	.get_state = pseries_get_state,
	.open = pseries_open,
	.suspend = pseries_suspend,
	.cancel = pseries_cancel,
	.quiesce_now = pseries_quiesce_now,
	.snapshot = pmig_pseries_snapshot,
};

static int mount_sysfs(void)
{
	struct file_system_type *type = get_fs_type("sysfs");

	if (!type)
		return -ENODEV;
	/* sysfs is no module, so get_fs_type() took no reference. */
	sysfs = kern_mount(type);
	return PTR_ERR_OR_ZERO(sysfs);
}

static bool can_migrate(void)
{
	struct file *file = find_file();

	if (IS_ERR(file))
		return false;
	fput(file);
	return true;
}

/*
 * It is no error if this is no partition, or if its kernel cannot be migrated: another engine may
 * come.
 */
int pmig_pseries_init(void)
{
	int err;

	sysfs = NULL;
	if (!firmware_has_feature(FW_FEATURE_LPAR))
		return 0;
	err = mount_sysfs();
	if (err) {
		sysfs = NULL;
		return err;
	}
	if (!can_migrate()) {
		pr_info("no /sys/" MIGRATION_FILE ": this kernel can't be migrated\n");
		kern_unmount(sysfs);
		sysfs = NULL;
		return 0;
	}
	err = pmig_watch_init();
	if (err)
		goto unmount;
	pmig_memory_node_init();
	err = pmig_register_engine(&pseries);
	if (err)
		goto watch;
	pmig_watch_begin(&pseries);
	return 0;

watch:
	pmig_watch_exit();
	pmig_memory_node_exit();
unmount:
	kern_unmount(sysfs);
	return err;
}

void pmig_pseries_exit(void)
{
	if (!sysfs)
		return;
	pmig_watch_exit();
	pmig_unregister_engine(&pseries);
	pmig_memory_node_exit();
	kern_unmount(sysfs);
}
