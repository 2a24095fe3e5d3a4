/* SPDX-License-Identifier: MIT */
/* What the memory manager will define: until then each call fails. */
	.text
	.irp name, do_mincore, do_mremap, do_madvise, do_msync, do_mlock, do_mlockall, do_munlockall, \
		show_maps, show_smaps, show_status_vm, show_statm, pagemap_entry
	.weak \name
\name:
	.endr
	movl $-38, %eax
	ret

	.section .note.GNU-stack, "", @progbits
