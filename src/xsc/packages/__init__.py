# SPDX-License-Identifier: MIT
"""Debian's source packages built again against XSC's C library."""
