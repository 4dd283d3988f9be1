"""What each error of page-classes means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import ABSENT, REFUSED, Rule
from loadstone.model import Status

_NO_PAGES = "stat pages|open pages|read pages"
_LEAVE_ALONE = "leave zram devices alone while it runs, and run again"

RULES = (
    Rule(
        step="verify pages",
        codes=frozenset({errno.EBADMSG}),
        status=Status.FAILED,
        meaning="wrong data: the page at {offset} came back from {path} as another",
        remedy="trust no memory that is compressed here; report it with the kernel's release",
        is_ours=True,
    ),
    Rule(
        step="query device|open device|open mm_stat|read mm_stat",
        codes=ABSENT,
        status=Status.FAILED,
        meaning="the zram device went away during the Run",
        remedy=_LEAVE_ALONE,
    ),
    Rule(
        step="open device",
        codes=frozenset({errno.EBUSY}),
        status=Status.FAILED,
        meaning="somebody else has opened the zram device that was made for the Run",
        remedy=_LEAVE_ALONE,
    ),
    Rule(
        step="empty device|count pages",
        codes=frozenset({errno.EBUSY}),
        status=Status.INVALID,
        meaning="the zram device took pages of others meanwhile, so what ours became is not known",
        remedy="end what else needs memory, as it is swapped out; leave zram devices alone",
        is_ours=True,
    ),
    Rule(
        step="O_DIRECT write",
        codes=frozenset({errno.EIO, errno.ENOMEM, errno.ENOSPC}),
        status=Status.FAILED,
        meaning="zram did not take the page, as it does where memory is short",
        remedy="free some, or --set total to less",
    ),
    Rule(
        step="reserve pages",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="not enough memory for {total} bytes of pages, and what came back of them",
        remedy="free some, or --set total to less",
    ),
    Rule(
        step="query device",
        codes=frozenset({errno.ENOSPC}),
        status=Status.FAILED,
        meaning="the zram device {path} is smaller than it was made",
        remedy=_LEAVE_ALONE,
        is_ours=True,
    ),
    Rule(
        step="total for pages",
        codes=frozenset({errno.EINVAL}),
        status=Status.SKIPPED,
        meaning="a page, or with thp=on a huge page, has {offset} bytes here",
        remedy="--set total={offset} or more",
        is_ours=True,
    ),
    Rule(
        step="find huge pages|MADV_HUGEPAGE",
        codes=frozenset({errno.EOPNOTSUPP, errno.EINVAL}),
        status=Status.SKIPPED,
        meaning="this kernel has no transparent huge pages",
        remedy="--set thp=off, or a kernel with CONFIG_TRANSPARENT_HUGEPAGE",
    ),
    Rule(
        step="MADV_PAGEOUT",
        codes=frozenset({errno.EINVAL}),
        status=Status.SKIPPED,
        meaning="this kernel has no MADV_PAGEOUT (Linux 5.4)",
        remedy="--set path=block, or a later kernel",
    ),
    Rule(
        step="swap out pages",
        codes=frozenset({errno.EAGAIN}),
        status=Status.SKIPPED,
        meaning="none of the pages was swapped out",
        remedy="--set path=block, or raise memory.swap.max of this process's control group",
        is_ours=True,
    ),
    Rule(
        step=_NO_PAGES,
        codes=frozenset({errno.ENODATA}),
        status=Status.SKIPPED,
        meaning="{path} has no whole page at {offset}",
        remedy="--set class=file:PATH of a file of a page or more, and keep it still",
        is_ours=True,
    ),
    Rule(
        step=_NO_PAGES,
        codes=ABSENT | REFUSED | {errno.EISDIR, errno.EINVAL},
        status=Status.SKIPPED,
        meaning="no pages can be taken from {path}",
        remedy="--set class=file:PATH of a regular file that this user may read",
    ),
)
