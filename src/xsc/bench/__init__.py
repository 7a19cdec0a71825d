# SPDX-License-Identifier: MIT
"""Benchmarks: what the guest measured, what it was meant to be, how two runs differ."""
