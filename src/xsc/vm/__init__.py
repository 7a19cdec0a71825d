# SPDX-License-Identifier: MIT
"""Virtual machines: boot one, run commands in it, and know for certain how they ended."""
