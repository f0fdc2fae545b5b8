// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/popcorn. An open file becomes the agent's, a program's home, or a program's process on another node;
 * that decides what may be asked of it, and only that process itself may ask.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "device.h"
#include "link.h"
#include "names.h"
#include "page.h"
#include "process_server.h"
#include "remote.h"

enum popcorn_role {
	POPCORN_ROLE_NONE,
	POPCORN_ROLE_AGENT,
	POPCORN_ROLE_ORIGIN,
	POPCORN_ROLE_REMOTE,
};

/**
 * struct popcorn_file - an open file
 * @mutex: protects the choice of a role
 * @role: set once
 * @rc: the program, with a reference, if it has one
 * @ended: the program's process is known to have ended
 */
struct popcorn_file {
	struct mutex mutex;
	enum popcorn_role role;
	struct remote_context *rc;
	unsigned long ended;
};

static int popcorn_open(struct inode *inode, struct file *file)
{
	struct popcorn_file *pf = kzalloc(sizeof(*pf), GFP_KERNEL_ACCOUNT);

	if (!pf)
		return -ENOMEM;
	mutex_init(&pf->mutex);
	file->private_data = pf;
	return nonseekable_open(inode, file);
}

static void file_end(struct popcorn_file *pf)
{
	if (test_and_set_bit(0, &pf->ended))
		return;
	if (pf->role == POPCORN_ROLE_ORIGIN)
		process_server_end(pf->rc);
	else if (pf->role == POPCORN_ROLE_REMOTE)
		remote_end(pf->rc, current->flags & PF_EXITING ? current->exit_code : 0);
}

/* A dying process takes its program along, even if a child has inherited the file. */
static int popcorn_flush(struct file *file, fl_owner_t id)
{
	struct popcorn_file *pf = file->private_data;
	/* Pairs with take_role(). */
	struct remote_context *rc = smp_load_acquire(&pf->rc);

	if (rc && (current->flags & PF_EXITING) && task_tgid(current) == rc->pid)
		file_end(pf);
	return 0;
}

static int popcorn_release(struct inode *inode, struct file *file)
{
	struct popcorn_file *pf = file->private_data;

	file_end(pf);
	if (pf->role == POPCORN_ROLE_AGENT)
		remote_agent_leave();
	if (pf->rc)
		popcorn_context_put(pf->rc);
	kfree(pf);
	return 0;
}

/* The program of a file in this role, if its own process asks; NULL otherwise. */
static struct remote_context *own_program(struct popcorn_file *pf, enum popcorn_role role)
{
	/* Pairs with take_role(). */
	struct remote_context *rc = smp_load_acquire(&pf->rc);

	if (!rc || (role != POPCORN_ROLE_NONE && pf->role != role) || !popcorn_context_mine(rc))
		return NULL;
	return rc;
}

/* Gives the file its role. @rc is the program's reference, or an ERR_PTR, which is returned. */
static int take_role(struct popcorn_file *pf, enum popcorn_role role, struct remote_context *rc)
{
	if (IS_ERR(rc))
		return PTR_ERR(rc);
	pf->role = role;
	/* Who sees the program sees the role. */
	smp_store_release(&pf->rc, rc);
	return 0;
}

static long ioctl_info(struct popcorn_info __user *user)
{
	struct popcorn_info info = {
		.api = POPCORN_API_VERSION,
		.nid = popcorn_nid,
		.page_size = PAGE_SIZE,
		.isa = popcorn_isa(),
	};

	return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : 0;
}

static long ioctl_node(u32 __user *user)
{
	u32 nid;

	return get_user(nid, user) ? -EFAULT : popcorn_set_nid(nid);
}

static long ioctl_name(struct popcorn_node_name __user *user)
{
	struct popcorn_node_name arg;

	return copy_from_user(&arg, user, sizeof(arg)) ? -EFAULT : popcorn_name_set(&arg);
}

static long ioctl_peer_add(struct popcorn_peer __user *user)
{
	struct popcorn_peer arg;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags || arg.reserved)
		return -EINVAL;
	return pcn_peer_add(arg.fd, arg.nid);
}

static long ioctl_peer_remove(u32 __user *user)
{
	u32 nid;

	return get_user(nid, user) ? -EFAULT : pcn_peer_remove(nid);
}

static long ioctl_node_info(struct popcorn_node_info __user *user)
{
	struct popcorn_node_info info = { };

	if (get_user(info.nid, &user->nid))
		return -EFAULT;
	if (info.nid >= POPCORN_NODES_MAX)
		return -EINVAL;
	pcn_peer_info(&info);
	popcorn_name_get(info.nid, info.name);
	return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : 0;
}

static long ioctl_agent(struct popcorn_file *pf)
{
	long err;

	mutex_lock(&pf->mutex);
	err = pf->role ? -EBUSY : remote_agent_enter();
	if (!err)
		pf->role = POPCORN_ROLE_AGENT;
	mutex_unlock(&pf->mutex);
	return err;
}

static long ioctl_refuse(struct popcorn_file *pf, struct popcorn_refuse __user *user)
{
	struct popcorn_refuse arg;

	if (pf->role != POPCORN_ROLE_AGENT)
		return -EPERM;
	return copy_from_user(&arg, user, sizeof(arg)) ? -EFAULT : remote_agent_refuse(&arg);
}

static long ioctl_origin(struct file *file, struct popcorn_origin __user *user)
{
	struct popcorn_file *pf = file->private_data;
	struct popcorn_origin arg;
	long err = -EBUSY;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	mutex_lock(&pf->mutex);
	if (!pf->role)
		err = take_role(pf, POPCORN_ROLE_ORIGIN, process_server_create(&arg, file_inode(file)));
	mutex_unlock(&pf->mutex);
	return err;
}

static long ioctl_adopt(struct file *file, struct popcorn_adopt __user *user)
{
	struct popcorn_file *pf = file->private_data;
	struct popcorn_adopt arg;
	long err = -EBUSY;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	mutex_lock(&pf->mutex);
	if (!pf->role)
		err = take_role(pf, POPCORN_ROLE_REMOTE, __construct_mm(&arg, file_inode(file)));
	mutex_unlock(&pf->mutex);
	/* A process that cannot read this closes the file, which ends what it has adopted. */
	if (!err && copy_to_user(user, &arg, sizeof(arg)))
		err = -EFAULT;
	return err;
}

/* The calling process's program, and what is asked of it; or an ERR_PTR. */
static struct remote_context *asked(struct popcorn_file *pf, enum popcorn_role role, void *arg,
				    const void __user *user, size_t size)
{
	struct remote_context *rc = own_program(pf, role);

	if (!rc)
		return ERR_PTR(-EPERM);
	return copy_from_user(arg, user, size) ? ERR_PTR(-EFAULT) : rc;
}

static long answered(long err, void __user *user, const void *arg, size_t size)
{
	return !err && copy_to_user(user, arg, size) ? -EFAULT : err;
}

/* The calling thread goes to another node. */
static long migrate(struct remote_context *rc, const struct popcorn_migrate *arg)
{
	void *blob;
	long err;

	if (arg->flags || arg->reserved || arg->blob_len > POPCORN_BLOB_MAX || !arg->blob_len)
		return -EINVAL;
	blob = vmemdup_user(u64_to_user_ptr(arg->blob), arg->blob_len);
	if (IS_ERR(blob))
		return PTR_ERR(blob);
	if (rc->for_remote)
		err = remote_do_back_migration(rc, arg->nid, blob, arg->blob_len);
	else
		err = process_server_do_migration(rc, arg->nid, blob, arg->blob_len);
	kvfree(blob);
	return err;
}

static long ioctl_migrate(struct popcorn_file *pf, struct popcorn_migrate __user *user)
{
	struct popcorn_migrate arg;
	struct remote_context *rc = asked(pf, POPCORN_ROLE_NONE, &arg, user, sizeof(arg));

	return IS_ERR(rc) ? PTR_ERR(rc) : migrate(rc, &arg);
}

static long ioctl_serve(struct popcorn_file *pf, struct popcorn_serve __user *user)
{
	struct popcorn_serve arg;
	struct remote_context *rc = asked(pf, POPCORN_ROLE_ORIGIN, &arg, user, sizeof(arg));

	return IS_ERR(rc) ? PTR_ERR(rc) : answered(__process_remote_works(rc, &arg), user, &arg, sizeof(arg));
}

static long ioctl_worker(struct popcorn_file *pf, struct popcorn_key __user *user)
{
	struct remote_context *rc = own_program(pf, POPCORN_ROLE_REMOTE);
	struct popcorn_key key;

	return rc ? answered(remote_worker_main(rc, &key), user, &key, sizeof(key)) : -EPERM;
}

static long ioctl_syscall(struct popcorn_file *pf, struct popcorn_syscall __user *user)
{
	struct popcorn_syscall arg;
	struct remote_context *rc = asked(pf, POPCORN_ROLE_REMOTE, &arg, user, sizeof(arg));
	long err;

	if (IS_ERR(rc))
		return PTR_ERR(rc);
	err = remote_syscall(rc, &arg);
	if (err == -EINTR && put_user(arg.flags, &user->flags))
		err = -EFAULT;
	return answered(err, &user->result, &arg.result, sizeof(arg.result));
}

static long ioctl_signal(struct popcorn_file *pf, struct popcorn_signal __user *user)
{
	struct popcorn_signal arg;
	struct remote_context *rc = asked(pf, POPCORN_ROLE_ORIGIN, &arg, user, sizeof(arg));

	return IS_ERR(rc) ? PTR_ERR(rc) : process_server_signal(rc, &arg);
}

static long ioctl_exit(struct popcorn_file *pf, s32 __user *user)
{
	s32 code;
	struct remote_context *rc = asked(pf, POPCORN_ROLE_REMOTE, &code, user, sizeof(code));

	return IS_ERR(rc) ? PTR_ERR(rc) : remote_exit(rc, code);
}

static long ioctl_discard(struct popcorn_file *pf, struct popcorn_range __user *user)
{
	struct popcorn_range arg;
	struct remote_context *rc = asked(pf, POPCORN_ROLE_NONE, &arg, user, sizeof(arg));

	return IS_ERR(rc) ? PTR_ERR(rc) : popcorn_page_discard(rc, &arg);
}

static long ioctl_present(struct popcorn_file *pf, struct popcorn_range __user *user)
{
	struct popcorn_range arg;
	struct remote_context *rc = asked(pf, POPCORN_ROLE_ORIGIN, &arg, user, sizeof(arg));

	return IS_ERR(rc) ? PTR_ERR(rc) : answered(popcorn_page_present(rc, &arg), user, &arg, sizeof(arg));
}

static long ioctl_tell(struct popcorn_file *pf, u32 __user *user)
{
	u32 nid;
	struct remote_context *rc = asked(pf, POPCORN_ROLE_ORIGIN, &nid, user, sizeof(nid));

	return IS_ERR(rc) ? PTR_ERR(rc) : process_server_tell(rc, nid);
}

static long popcorn_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	struct popcorn_file *pf = file->private_data;
	void __user *user = (void __user *)arg;

	switch (command) {
	case POPCORN_IOC_NODE:
	case POPCORN_IOC_PEER_ADD:
	case POPCORN_IOC_PEER_REMOVE:
	case POPCORN_IOC_AGENT:
	case POPCORN_IOC_NAME:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
	}
	switch (command) {
	case POPCORN_IOC_INFO:
		return ioctl_info(user);
	case POPCORN_IOC_NODE:
		return ioctl_node(user);
	case POPCORN_IOC_PEER_ADD:
		return ioctl_peer_add(user);
	case POPCORN_IOC_PEER_REMOVE:
		return ioctl_peer_remove(user);
	case POPCORN_IOC_NODE_INFO:
		return ioctl_node_info(user);
	case POPCORN_IOC_AGENT:
		return ioctl_agent(pf);
	case POPCORN_IOC_REFUSE:
		return ioctl_refuse(pf, user);
	case POPCORN_IOC_ORIGIN:
		return ioctl_origin(file, user);
	case POPCORN_IOC_ADOPT:
		return ioctl_adopt(file, user);
	case POPCORN_IOC_MIGRATE:
		return ioctl_migrate(pf, user);
	case POPCORN_IOC_SERVE:
		return ioctl_serve(pf, user);
	case POPCORN_IOC_WORKER:
		return ioctl_worker(pf, user);
	case POPCORN_IOC_SYSCALL:
		return ioctl_syscall(pf, user);
	case POPCORN_IOC_SIGNAL:
		return ioctl_signal(pf, user);
	case POPCORN_IOC_EXIT:
		return ioctl_exit(pf, user);
	case POPCORN_IOC_DISCARD:
		return ioctl_discard(pf, user);
	case POPCORN_IOC_TELL:
		return ioctl_tell(pf, user);
	case POPCORN_IOC_NAME:
		return ioctl_name(user);
	case POPCORN_IOC_PRESENT:
		return ioctl_present(pf, user);
	default:
		return -ENOTTY;
	}
}

static ssize_t agent_read(struct file *file, char __user *buffer, size_t size)
{
	struct popcorn_clone_request request;
	ssize_t err;

	if (size < sizeof(request))
		return -EINVAL;
	err = remote_agent_read(&request, !(file->f_flags & O_NONBLOCK));
	if (err)
		return err;
	return copy_to_user(buffer, &request, sizeof(request)) ? -EFAULT : sizeof(request);
}

static ssize_t popcorn_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
	struct popcorn_file *pf = file->private_data;
	struct remote_context *rc;

	if (pf->role == POPCORN_ROLE_AGENT)
		return agent_read(file, buffer, size);
	rc = own_program(pf, POPCORN_ROLE_REMOTE);
	if (!rc)
		return -EPERM;
	return remote_thread_main(rc, (struct popcorn_start __user *)buffer, size);
}

static __poll_t popcorn_poll(struct file *file, struct poll_table_struct *table)
{
	struct popcorn_file *pf = file->private_data;

	if (pf->role != POPCORN_ROLE_AGENT)
		return EPOLLERR;
	return remote_agent_ready(file, table) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int popcorn_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct remote_context *rc = own_program(file->private_data, POPCORN_ROLE_NONE);

	return rc ? popcorn_mmap(rc, vma) : -EPERM;
}

static const struct file_operations popcorn_fops = {
	.owner = THIS_MODULE,
	.open = popcorn_open,
	.flush = popcorn_flush,
	.release = popcorn_release,
	.read = popcorn_read,
	.poll = popcorn_poll,
	.unlocked_ioctl = popcorn_ioctl,
	.mmap = popcorn_file_mmap,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "popcorn",
	.fops = &popcorn_fops,
	.mode = 0600,
};

int popcorn_device_init(void)
{
	return misc_register(&device);
}

void popcorn_device_exit(void)
{
	misc_deregister(&device);
}
