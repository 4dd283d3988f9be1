"""What each error of model-load means to the person who asked, and what to do about it."""

import errno
from collections.abc import Collection

from loadstone.core.explain import ABSENT, REFUSED, THREAD_RULES, Rule, io_uring_rules
from loadstone.model import Status

HUGE_PAGES = "huge_pages"
"""How many the pool must hold for a load: what ``explain`` is given for the remedy naming it."""

_KEEP_STILL = "keep the file still, and run again"
_UNKNOWN_IOCTL = {errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EOPNOTSUPP}


def _skip(
    step: str,
    codes: Collection[int],
    meaning: str,
    remedy: str,
    *,
    path: str = ".*",
    destination: str = ".*",
    image: str = ".*",
    facts: tuple[str, ...] = (),
    is_ours: bool = False,
) -> Rule:
    return Rule(
        step=step,
        codes=frozenset(codes),
        status=Status.SKIPPED,
        meaning=meaning,
        remedy=remedy,
        path=path,
        when={"destination": destination, "image": image},
        facts=facts,
        is_ours=is_ours,
    )


def _failure(
    step: str, codes: Collection[int], meaning: str, remedy: str, *, is_ours: bool = False
) -> Rule:
    return Rule(
        step=step,
        codes=frozenset(codes),
        status=Status.FAILED,
        meaning=meaning,
        remedy=remedy,
        ends_run=True,
        is_ours=is_ours,
    )


RULES = (
    *io_uring_rules("pread"),
    _skip(
        ".*O_DIRECT open",
        {errno.EINVAL},
        "EROFS opens no compressed file with O_DIRECT",
        "--set io=buffered, or image=erofs, which is not compressed",
        image="erofs:.*",
    ),
    _skip(
        ".*RWF_DONTCACHE.*read",
        {errno.EOPNOTSUPP},
        "neither EROFS nor F2FS reads with RWF_DONTCACHE",
        "--set io=buffered, or image=none with a file on ext4, XFS",
        image="(erofs|f2fs).*",
    ),
    _skip(
        "io_uring_setup",
        {errno.EINVAL},
        "this kernel cannot poll as asked",
        "--set poll=none",
    ),
    _skip(
        "io_uring_setup|io_uring register buffers",
        {errno.ENOMEM},
        "the limit of locked memory is too low for registered buffers",
        "raise it (ulimit -l unlimited, or memlock in /etc/security/limits.conf), run as root, "
        "or --set fixed=off",
    ),
    _skip(
        "io_uring register buffers|.*O_DIRECT.*read.*|O_DIRECT read",
        {errno.EFAULT},
        "a heap maps its memory in a way (VM_PFNMAP) that direct I/O cannot pin",
        "--set destination=udmabuf reads directly into a dma-buf; or --set io=buffered fixed=off",
        destination="dma-heap:.*",
    ),
    _skip(
        "io_uring register buffers",
        {errno.EOPNOTSUPP},
        "this kernel's io_uring registers no mapping of {destination}",
        "--set fixed=off",
    ),
    _skip(
        "io_uring IOPOLL read",
        {errno.EOPNOTSUPP, errno.EINVAL},
        "the device has no polling queues",
        "load its driver with some (nvme.poll_queues=2), or --set poll=none",
    ),
    _skip(
        "open device",
        ABSENT,
        "this kernel has no udmabuf (CONFIG_UDMABUF)",
        "modprobe udmabuf where it is a module; `loadstone lab` has one",
        path="/dev/udmabuf",
    ),
    _skip(
        "open device",
        ABSENT,
        "this kernel has no such dma-buf heap (CONFIG_DMABUF_HEAPS)",
        "`loadstone doctor` lists the heaps here; `loadstone lab` has dma-heap:system",
        path="/dev/dma_heap/",
    ),
    _skip(
        "open device",
        ABSENT,
        "Loadstone's kernel module, which fills dma-bufs from files, is not loaded",
        "`loadstone lab run --kernel trixie-backports --module native/kernel --set "
        "engine=kernel-fill` loads it there; here, in Loadstone's sources, as root: "
        "make -C native/kernel && insmod native/kernel/loadstone_fill.ko",
        path="/dev/loadstone_fill",
    ),
    _skip(
        "LOADSTONE_FILL.*",
        {errno.ENOTTY},
        "the kernel module that is loaded belongs to another version of Loadstone",
        "as root: rmmod loadstone_fill, then make -C native/kernel && insmod "
        "native/kernel/loadstone_fill.ko",
    ),
    _skip(
        "LOADSTONE_FILL",
        {errno.EINVAL, errno.EOPNOTSUPP},
        "this file system does not read into the module's pages this way",
        "--set io=buffered, or a file on ext4, XFS or F2FS",
    ),
    _skip("open device", REFUSED, "the device is closed to this user", "run as root"),
    _skip(
        "mmap hugetlb|mmap memfd hugetlb|ftruncate memfd|memfd_create|MADV_POPULATE_WRITE",
        {errno.ENOMEM, errno.EFAULT, errno.ENOSYS, errno.EINVAL, errno.ENOENT},
        "not enough huge pages are reserved",
        "as root: sysctl vm.nr_hugepages={huge_pages}, then again",
        destination=".*hugetlb",
        facts=(HUGE_PAGES,),
    ),
    _skip(
        "huge page size",
        REFUSED,
        "this user may not read the size of huge pages",
        "run as root, or --set destination=anon",
    ),
    _skip(
        "huge pages of shmem",
        {errno.ENOTSUP, errno.EINVAL},
        "this kernel gives shared memory no huge pages: neither on faults nor by MADV_COLLAPSE",
        "as root: echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled, or "
        "--set destination=memfd-hugetlb",
    ),
    _skip(
        "huge pages of shmem|MADV_COLLAPSE",
        {errno.ENOMEM, errno.EAGAIN, errno.EBUSY},
        "memory is too fragmented, or too scarce, for huge pages",
        "as root: echo 1 > /proc/sys/vm/compact_memory; or free some memory",
    ),
    _skip(
        "huge pages|MADV_HUGEPAGE",
        {errno.EINVAL, errno.ENOTSUP},
        "this kernel has no transparent huge pages",
        "--set destination=anon",
    ),
    _skip(
        "MADV_POPULATE_READ",
        {errno.EINVAL},
        "this kernel has no MADV_POPULATE_READ (Linux 5.14)",
        "--set advice=populate or willneed",
    ),
    _skip(
        "O_DIRECT open|O_DIRECT read|io_uring O_DIRECT.*read",
        {errno.EINVAL, errno.EOPNOTSUPP},
        "this file system refuses O_DIRECT here",
        "--set io=buffered, or a file on ext4, XFS, btrfs or F2FS",
    ),
    _skip(
        ".*RWF_DONTCACHE read",
        {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS},
        "this kernel or file system has no RWF_DONTCACHE (Linux 6.14; ext4, XFS)",
        "a newer kernel, a file on one of these, or --set io=buffered",
    ),
    _skip(
        "block for O_DIRECT",
        {errno.EINVAL},
        "with O_DIRECT the block must be a multiple of {offset} bytes for {path}",
        "--set block={offset} or a multiple",
        is_ours=True,
    ),
    _skip(
        "copy_file_range",
        {errno.EXDEV, *_UNKNOWN_IOCTL},
        "this kernel cannot copy_file_range from this file system into {destination}",
        "a kernel with the patch of wangtao v4 (2025-06-03) can; or --set engine=sendfile",
    ),
    _skip(
        "sendfile|splice",
        _UNKNOWN_IOCTL,
        "this kernel cannot {engine} into {destination}",
        "--set destination=memfd, or --set engine=pread",
    ),
    _skip(
        "DMA_HEAP_IOCTL_ALLOC_AND_READ|DMA_HEAP_IOCTL_ALLOC of a file|DMA_BUF_IOCTL_RW_FILE",
        _UNKNOWN_IOCTL,
        "this kernel lacks the posted ioctl of {engine}, as every stock one does",
        "a vendor kernel may have it; the stock way is --set engine=uring destination=udmabuf",
    ),
    _skip(
        "UDMABUF_CREATE",
        {errno.EINVAL},
        "one udmabuf may not be this large",
        "raise /sys/module/udmabuf/parameters/size_limit_mb, or --set buffers=32",
    ),
    _skip(
        "engine and (destination|threads|buffers|io)",
        {errno.EOPNOTSUPP},
        "engine {engine} cannot do this with destination {destination}",
        "`loadstone list model-load` tells what goes with what",
        is_ours=True,
    ),
    _skip(
        "chunks of overlap",
        {errno.E2BIG},
        "overlap cuts the file in {offset} chunks; 2048 at most",
        "--set overlap to a larger size",
        is_ours=True,
    ),
    _skip(
        "mmap|mmap destination|MADV_POPULATE_WRITE|DMA_HEAP_IOCTL_ALLOC|LOADSTONE_FILL.*|reserve.*",
        {errno.ENOMEM},
        "not enough memory for the destination",
        "free some, or take a smaller file (--size)",
    ),
    _skip(
        "room for pressure|mmap pressure|start pressure",
        {errno.ENOMEM, errno.EAGAIN},
        "pressure {pressure} is larger than is free",
        "--set pressure to less, or free memory",
    ),
    Rule(
        step="fill pressure",
        codes=frozenset({errno.EOWNERDEAD}),
        status=Status.FAILED,
        meaning="the process that holds the pressure was killed before the load began (out of "
        "memory, or another process)",
        remedy="see dmesg; --set pressure to less, or leave the processes of loadstone alone",
        is_ours=True,
    ),
    Rule(
        step="enter control group",
        codes=REFUSED | ABSENT | {errno.EBUSY, errno.EOPNOTSUPP},
        status=Status.FAILED,
        meaning="the control group that was made for the pressure does not let the load in",
        remedy="leave the control groups named loadstone-… alone, and run again",
    ),
    _failure(
        "file identity",
        {errno.ESTALE},
        "{path} was changed or replaced during the Run (size, inode or mtime differ)",
        _KEEP_STILL,
        is_ours=True,
    ),
    _failure("open|O_DIRECT open", ABSENT, "the file was removed during the Run", _KEEP_STILL),
    _failure(
        "open|O_DIRECT open",
        REFUSED,
        "this user may not read the file any more",
        "give this user access to it again (chmod), and leave it so",
    ),
    _failure(
        "read|sendfile|splice|copy_file_range",
        {errno.ENODATA},
        "{path} ended at {offset}: it shrank during the Run",
        _KEEP_STILL,
        is_ours=True,
    ),
    _failure(
        "empty file|set cache state|LOADSTONE_FILL",
        {errno.ENODATA},
        "{path} shrank during the Run",
        _KEEP_STILL,
        is_ours=True,
    ),
    _failure(
        "MADV_POPULATE_READ",
        {errno.EFAULT},
        "the file shrank during the Run, or its device failed",
        f"{_KEEP_STILL}; dmesg tells of I/O errors",
    ),
    _failure(
        "verify",
        {errno.EBADMSG},
        "wrong data arrived in the destination: what came of {path} at {offset} is not what the "
        "file held when the Run began",
        "do not trust this path for loading; report it with the kernel's release",
        is_ours=True,
    ),
    *THREAD_RULES,
)
