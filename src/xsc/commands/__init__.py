# SPDX-License-Identifier: MIT
"""One verb per file."""
