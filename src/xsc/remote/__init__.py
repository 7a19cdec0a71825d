# SPDX-License-Identifier: MIT
"""Steps made on a build server: OpenSSH and rsync carry them there and their outputs back."""
