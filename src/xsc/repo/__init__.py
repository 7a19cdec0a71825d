# SPDX-License-Identifier: MIT
"""A signed APT repository: made from packages and a key, served, and nothing else."""
