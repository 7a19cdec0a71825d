/* SPDX-License-Identifier: MIT */
/* The note of the XSC ABI, for programs that are linked without crt1.o. See docs/abi.md. */
	.section .note.xsc, "a", @note
	.balign 4
	.long 4, 4, 1
	.asciz "XSC"
	.long 1
	.section .note.GNU-stack, "", @progbits
