# SPDX-License-Identifier: MIT
"""What the kernel, the documents and Python must agree on: the table of system calls."""
