// SPDX-License-Identifier: GPL-2.0-only
/*
 * Portable memory as a mapping of the device file. fault() puts a page into the page tables, for reading only if
 * it is read; then the first write comes to page_mkwrite(), which gets it for writing. Taking it away is
 * unmapping. A page is put into page tables and taken away under its lock.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/version.h>
#include <linux/wait_bit.h>
#include "page.h"

/*
 * The kernel sends SIGBUS for an instruction that touches what is lost. To a system call that does, it is EFAULT, which a program
 * may well not look at: SIGBUS comes with it.
 */
static void tell_loss(const struct vm_fault *vmf)
{
	struct kernel_siginfo info;

	if (vmf->flags & FAULT_FLAG_USER || current->mm != vmf->vma->vm_mm || current->flags & PF_KTHREAD)
		return;
	clear_siginfo(&info);
	info.si_signo = SIGBUS;
	info.si_code = BUS_ADRERR;
	info.si_addr = (void __user *)vmf->address;
	send_sig_info(SIGBUS, &info, current);
}

static vm_fault_t fault_error(const struct vm_fault *vmf, int err)
{
	if (err == -EIO)
		tell_loss(vmf);
	return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

static struct popcorn_page *access(struct vm_fault *vmf, bool write)
{
	struct remote_context *rc = vmf->vma->vm_private_data;

	return popcorn_page_access(rc, vmf->pgoff - rc->page_base, write);
}

/* The thread has what it waited for, or nearly so: the lock on the page lasts until it is mapped. */
static void touched(struct popcorn_page *page)
{
	if (!page->granted)
		return;
	WRITE_ONCE(page->granted, false);
	/* As wake_up_var() wants it. */
	smp_mb();
	wake_up_var(&page->granted);
}

/*
 * Puts a page into the page tables; its lock is held. The mapping's own protection is for reading only, so that
 * the first write comes to page_mkwrite(): who has got a page for writing maps it with another protection, and
 * dirty, so that no machine without dirty bits of its own faults for that.
 */
static int map_page(struct vm_area_struct *vma, unsigned long address, struct popcorn_page *page, bool write)
{
	struct vm_area_struct as = *vma;
	int err;

	if (write)
		as.vm_page_prot = __pgprot(pte_val(pte_mkdirty(__pte(pgprot_val(vm_get_page_prot(vma->vm_flags))))));
	err = vm_insert_page(&as, address, page->page);
	if (!err)
		touched(page);
	return err;
}

/* A neighbour of a page that has just been touched. Whether it is mapped now. */
static bool map_neighbour(struct vm_fault *vmf, struct popcorn_page *page, unsigned long address, bool write)
{
	bool mapped = false;

	if (!page || !mutex_trylock(&page->lock))
		return false;
	if (popcorn_page_good(page, write) && page->page)
		mapped = !map_page(vmf->vma, address, page, write);
	mutex_unlock(&page->lock);
	return mapped;
}

/* Spares a thread that goes through memory in order a fault for each page, up to the first that is not here. */
static void map_around(struct vm_fault *vmf, bool write)
{
	struct remote_context *rc = vmf->vma->vm_private_data;
	unsigned long address = vmf->address & PAGE_MASK;
	u64 index = vmf->pgoff - rc->page_base;
	int n;

	for (n = 1; n < PCN_WINDOW; n++) {
		address += PAGE_SIZE;
		if (address >= vmf->vma->vm_end ||
		    !map_neighbour(vmf, popcorn_page_find(rc, index + n), address, write))
			break;
	}
}

static vm_fault_t popcorn_fault(struct vm_fault *vmf)
{
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	struct popcorn_page *page = access(vmf, write);
	int err;

	if (IS_ERR(page))
		return fault_error(vmf, PTR_ERR(page));
	err = map_page(vmf->vma, vmf->address & PAGE_MASK, page, write);
	mutex_unlock(&page->lock);
	/* Another thread may have mapped it. */
	if (err && err != -EBUSY)
		return fault_error(vmf, err);
	if (!err)
		map_around(vmf, write);
	return VM_FAULT_NOPAGE;
}

static vm_fault_t popcorn_page_mkwrite(struct vm_fault *vmf)
{
	struct popcorn_page *page = access(vmf, true);
	vm_fault_t result = VM_FAULT_NOPAGE;

	if (IS_ERR(page))
		return fault_error(vmf, PTR_ERR(page));
	/* If it was discarded meanwhile, the fault is taken again. */
	if (page->page == vmf->page) {
		lock_page(page->page);
		touched(page);
		result = VM_FAULT_LOCKED;
	}
	mutex_unlock(&page->lock);
	return result;
}

static const struct vm_operations_struct popcorn_vm_ops = {
	.fault = popcorn_fault,
	.page_mkwrite = popcorn_page_mkwrite,
};

static void set_flags(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	vma->vm_flags |= flags;
#else
	vm_flags_set(vma, flags);
#endif
}

/**
 * popcorn_mmap() - map portable memory
 * @rc: the program
 * @vma: where; its offset says which pages
 *
 * Not inherited by children, not dumped, never merged with a neighbour. (VM_MIXEDMAP: vm_insert_page() may be
 * called when the mapping is there.)
 *
 * Return: 0 or a negative errno.
 */
int popcorn_mmap(struct remote_context *rc, struct vm_area_struct *vma)
{
	unsigned long pages = vma_pages(vma);

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff >= rc->pages || pages > rc->pages - vma->vm_pgoff)
		return -ENXIO;
	vma->vm_pgoff += rc->page_base;
	vma->vm_private_data = rc;
	vma->vm_ops = &popcorn_vm_ops;
	set_flags(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP | VM_MIXEDMAP);
	return 0;
}
