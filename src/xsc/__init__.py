# SPDX-License-Identifier: MIT
"""Build, boot and test XSC: a Debian 12 whose system calls go through shared-memory rings."""
