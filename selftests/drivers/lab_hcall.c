// SPDX-License-Identifier: GPL-2.0
/*
 * Asks the hypervisor what only the kernel may ask, for the lab's tests of its own hypervisor.
 * Parameters, in /sys/module/lab_hcall/parameters:
 *
 * home		the associativity of each online CPU, as H_HOME_NODE_ASSOCIATIVITY has it
 * nodes	write a scope, read the status and first operation word of ibm,update-nodes
 */
#include <linux/cpu.h>
#include <linux/module.h>
#include <linux/string.h>

#include <asm/hvcall.h>
#include <asm/page.h>
#include <asm/rtas.h>
#include <asm/smp.h>

#define BY_VCPU 1

static int home_get(char *buf, const struct kernel_param *kp)
{
	unsigned long ret[PLPAR_HCALL9_BUFSIZE];
	unsigned int cpu;
	int len = 0;
	long rc;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		rc = plpar_hcall9(H_HOME_NODE_ASSOCIATIVITY, ret, BY_VCPU,
				  get_hard_smp_processor_id(cpu));
		if (rc)
			len += sysfs_emit_at(buf, len, "cpu%u error %ld\n", cpu, rc);
		else
			len += sysfs_emit_at(buf, len, "cpu%u %lu %lu %lu %lu\n", cpu, ret[0] >> 32,
					     ret[0] & 0xffffffff, ret[1] >> 32,
					     ret[1] & 0xffffffff);
	}
	cpus_read_unlock();
	return len;
}

static const struct kernel_param_ops home_ops = { .get = home_get };
module_param_cb(home, &home_ops, NULL, 0400);
MODULE_PARM_DESC(home, "associativity of each online CPU");

static int nodes_status;
static u32 nodes_operation;

static int nodes_set(const char *val, const struct kernel_param *kp)
{
	__be32 *area = (__be32 *)rtas_data_buf;
	int scope, err;

	err = kstrtoint(val, 0, &scope);
	if (err)
		return err;
	spin_lock(&rtas_data_buf_lock);
	memset(rtas_data_buf, 0, RTAS_DATA_BUF_SIZE);
	nodes_status = rtas_call(rtas_token("ibm,update-nodes"), 2, 1, NULL,
				 (u32)__pa(rtas_data_buf), scope);
	nodes_operation = be32_to_cpu(area[4]);
	spin_unlock(&rtas_data_buf_lock);
	return 0;
}

static int nodes_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "status %d operation 0x%08x\n", nodes_status, nodes_operation);
}

static const struct kernel_param_ops nodes_ops = { .set = nodes_set, .get = nodes_get };
module_param_cb(nodes, &nodes_ops, NULL, 0600);
MODULE_PARM_DESC(nodes, "ibm,update-nodes with this scope");

static int __init lab_hcall_init(void)
{
	return 0;
}
module_init(lab_hcall_init);

static void __exit lab_hcall_exit(void)
{
}
module_exit(lab_hcall_exit);

MODULE_DESCRIPTION("Hypervisor calls for the selftests of the lab");
MODULE_LICENSE("GPL");
