# SPDX-License-Identifier: MIT
"""Checks of the machine before a build, each with a remedy."""
