/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between kernel versions, and nothing else; included before all other text by
 * Kbuild. Built for 6.1, 6.12 and 7.2; the older names are kept apart so that 5.14 and 6.4 need no
 * other change.
 */
#ifndef _PMIG_COMPAT_H
#define _PMIG_COMPAT_H

#include <linux/version.h>

#define PMIG_KERNEL (LINUX_VERSION_MAJOR * 1000 + LINUX_VERSION_PATCHLEVEL)

/* Names of namespaces became strings in 6.13. */
#if PMIG_KERNEL >= 6013
#include <linux/export.h>
#undef EXPORT_SYMBOL_NS_GPL
#define EXPORT_SYMBOL_NS_GPL(sym, ns) __EXPORT_SYMBOL(sym, "GPL", #ns)
#define PMIG_IMPORT_NS()	      MODULE_IMPORT_NS("PMIG")
#else
#define PMIG_IMPORT_NS() MODULE_IMPORT_NS(PMIG)
#endif

/* __assign_str() remembers its source since 6.10. */
#if PMIG_KERNEL >= 6010
#define pmig_assign_str(dst, src) __assign_str(dst)
#else
#define pmig_assign_str(dst, src) __assign_str(dst, src)
#endif

/* What pre_doit() of a generic netlink family gets first has another name since 6.2. */
#if PMIG_KERNEL >= 6002
#define pmig_genl_op const struct genl_split_ops
#else
#define pmig_genl_op const struct genl_ops
#endif

/* A dump of a generic netlink family has the same struct as a command since 6.6. */
#if PMIG_KERNEL >= 6006
#define pmig_dump_info(cb) genl_info_dump(cb)
#else
#define pmig_dump_info(cb) genl_dumpit_info(cb)
#endif

/* kthread_create_worker() no longer wakes what it creates since 6.14. */
#if PMIG_KERNEL >= 6014
#define pmig_kthread_run(fmt, ...) kthread_run_worker(0, fmt, ##__VA_ARGS__)
#else
#define pmig_kthread_run(fmt, ...) kthread_create_worker(0, fmt, ##__VA_ARGS__)
#endif

/*
 * Before 6.8 the kernel looks a call up by its token only while one of these tracepoints is
 * active, and uses the result unchecked; its table had one name wrong, so with some adapters that
 * is a NULL pointer. Upstream fad87dbd4815 has the name right.
 */
#define PMIG_RTAS_TRACE (PMIG_KERNEL >= 6008)

/* Shrinkers are allocated since 6.7. For the selftests. */
#if PMIG_KERNEL >= 6007
#define pmig_shrinker_alloc(name)	shrinker_alloc(0, name)
#define pmig_shrinker_register(s, name) shrinker_register(s)
#define pmig_shrinker_free(s)		shrinker_free(s)
#else
#define pmig_shrinker_alloc(name)	kzalloc(sizeof(struct shrinker), GFP_KERNEL)
#define pmig_shrinker_register(s, name) register_shrinker(s, name)
#define pmig_shrinker_free(s)              \
	({                                 \
		struct shrinker *_s = (s); \
		unregister_shrinker(_s);   \
		kfree(_s);                 \
	})
#endif

/* strscpy() took its size from the array only since 6.9. */
#define pmig_strcpy(dst, src) strscpy(dst, src, sizeof(dst))

#endif /* _PMIG_COMPAT_H */
