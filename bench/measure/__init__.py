# SPDX-License-Identifier: MIT
"""What bench/run is made of: rows (what is compared), host, programs, nginx, results, table."""
