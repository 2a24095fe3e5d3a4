/* SPDX-License-Identifier: MIT */
/* What the memory manager and the file system will define: until then each call fails. */
	.text
	.irp name, do_user_fault, access_process_vm, do_mincore, do_brk_call, do_munmap, do_mprotect, \
		do_mremap, do_madvise, do_msync, do_mlock, do_mlockall, do_munlockall, do_mmap_pgoff
	.weak \name
\name:
	.endr
	movl $-38, %eax
	ret
	.irp name, show_maps, show_smaps, show_status_vm, show_statm, pagemap_entry, mmput, files_put, fs_put, files_dup, fs_dup, fget, fput, dup_mm
	.weak \name
\name:
	.endr
	xorl %eax, %eax
	ret

	.section .note.GNU-stack, "", @progbits
