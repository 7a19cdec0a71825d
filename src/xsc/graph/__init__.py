# SPDX-License-Identifier: MIT
"""Content-keyed build steps: what they are, where their outputs live, how they are run."""
