# SPDX-License-Identifier: MIT
"""What the kernel counted: `xsc stat` and `xsc top`. Only Python's own library, except on a
terminal, where rich draws.
"""
