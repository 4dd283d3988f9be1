"""What each error of compression means to the person who asked, and what to do about it."""

from loadstone.workloads.cold_reads.errors import cold_read_rules

TRUST_NOT = "trust no data of it; see dmesg for what the file system says, then run again"
"""What to do about a file system whose data cannot be had."""

RULES = cold_read_rules(TRUST_NOT)
