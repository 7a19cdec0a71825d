# SPDX-License-Identifier: MIT
"""Case suites that others wrote, run in the guest in several lanes and compared."""
