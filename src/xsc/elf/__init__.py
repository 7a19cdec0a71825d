# SPDX-License-Identifier: MIT
"""Reading of ELF files: bytes in, records out. Nothing here starts a program or writes a file."""
