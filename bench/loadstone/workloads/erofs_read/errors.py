"""What each error of erofs-read means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import REFUSED, Rule
from loadstone.model import Status
from loadstone.workloads.cold_reads.errors import cold_read_rules

TRUST_NOT = "trust no data of this image; see dmesg for what EROFS says, and make it anew"
"""What to do about an image whose data cannot be had."""

RULES = (
    *cold_read_rules(TRUST_NOT),
    Rule(
        step="trace calls",
        codes=frozenset({errno.ENODEV}),
        status=Status.SKIPPED,
        meaning="this kernel has no kprobes for perf (CONFIG_KPROBE_EVENTS)",
        remedy="--set trace=off; `loadstone lab run` has kernels with them",
    ),
    Rule(
        step="trace calls",
        codes=frozenset({errno.ENOENT}),
        status=Status.SKIPPED,
        meaning="this kernel has no function of that name that can be traced, as its compiler may "
        "have inlined it",
        remedy="--set trace=off",
    ),
    Rule(
        step="trace calls",
        codes=REFUSED,
        status=Status.SKIPPED,
        meaning="this user may not trace the kernel",
        remedy="run as root, outside of containers, with no lockdown of the kernel; or --set "
        "trace=off",
    ),
    Rule(
        step="lock memory|mmap pressure|fill pressure",
        codes=REFUSED | {errno.ENOMEM, errno.EOWNERDEAD},
        status=Status.SKIPPED,
        meaning="memory cannot be held and locked",
        remedy="run as root with no limit of locked memory (ulimit -l unlimited), and --set "
        "available to more",
    ),
)
