"""What the core's probe answers becomes a Check with its reason and remedy."""

import errno
from pathlib import Path

import pytest

from doctor.answers import ALL_IS_WELL, HEAP_IS_WELL, FakeTarget, named, of_fake


@pytest.mark.parametrize(
    ("value", "code", "name", "reason", "remedy"),
    [
        ("uring", errno.EPERM, "uring", "refused", "io_uring_disabled"),
        ("uring", errno.ENOSYS, "uring", "no io_uring", "engine=pread"),
        ("uring-sqpoll", errno.EINVAL, "uring poll=sq", "poll", "poll=none"),
        ("thp", errno.EINVAL, "thp", "no transparent huge pages", "destination=anon"),
        ("hugetlb", errno.ENOMEM, "hugetlb", "huge pages", "vm.nr_hugepages=2"),
        ("memfd-hugetlb", errno.ENOSYS, "memfd-hugetlb", "huge pages", "vm.nr_hugepages=2"),
        ("memfd-thp", errno.ENOTSUP, "memfd-thp", "no huge pages", "shmem_enabled"),
        ("dontcache", errno.EOPNOTSUPP, "RWF_DONTCACHE", "Linux 6.14", "io=buffered"),
        ("udmabuf-thp", errno.ENOTSUP, "udmabuf-thp", "no huge pages", "shmem_enabled"),
        ("udmabuf-hugetlb", errno.ENOMEM, "udmabuf-hugetlb", "huge pages", "vm.nr_hugepages=2"),
        ("udmabuf", errno.ENOENT, "udmabuf", "CONFIG_UDMABUF", "modprobe"),
        ("udmabuf", errno.EACCES, "udmabuf", "closed to this user", "root"),
        ("direct", errno.EINVAL, "O_DIRECT", "refuses O_DIRECT", "io=buffered"),
        ("page-cache", errno.EPERM, "page cache", "cannot be seen", "cache=as-is"),
        ("copy-range", errno.EXDEV, "copy-range → memfd", "into memfd", "sendfile"),
        ("sendfile", errno.EINVAL, "sendfile → memfd", "sendfile into memfd", "pread"),
        ("drop_caches", errno.EACCES, "drop_caches", "Permission denied", "root"),
        ("anon", errno.EPERM, "anon", "EPERM", "system's words"),
    ],
)
def test_a_refusal_is_explained(
    value: str, code: int, name: str, reason: str, remedy: str, tmp_path: Path
) -> None:
    check = named(of_fake(FakeTarget({**ALL_IS_WELL, value: -code}), tmp_path), name)
    assert not check.is_met
    assert reason in (check.reason or "")
    assert remedy in (check.remedy or "")
    assert named(of_fake(FakeTarget(), tmp_path), name).is_met


def test_heaps_are_tried_by_name_and_a_stock_one_says_why_it_is_slow(tmp_path: Path) -> None:
    stock = {
        **HEAP_IS_WELL,
        "heap-direct-read": -errno.EFAULT,
        "heap-copy-range": -errno.EINVAL,
        "heap-alloc-and-read": -errno.EINVAL,
        "dmabuf-rw-file": -errno.ENOTTY,
    }
    heaps = {"system": stock, "mtk_mm-uncached": HEAP_IS_WELL}
    diagnosis = of_fake(FakeTarget(heaps=heaps), tmp_path)
    assert named(diagnosis, "dma-heap:system").is_met
    assert "VM_PFNMAP" in (named(diagnosis, "pread direct → dma-heap:system").reason or "")
    for engine in ("heap-alloc-and-read", "dmabuf-rw-file"):
        assert engine in (named(diagnosis, f"{engine} → dma-heap:system").reason or "")
    copying = named(diagnosis, "copy-range → dma-heap:system").reason or ""
    assert "into dma-heap:system" in copying
    assert all(check.is_met for check in diagnosis.checks if "mtk_mm" in check.name)


def test_without_heaps_the_missing_one_is_explained_once_per_engine(tmp_path: Path) -> None:
    diagnosis = of_fake(FakeTarget(), tmp_path)
    missing = [check for check in diagnosis.checks if "dma-heap" in check.name]
    assert len(missing) == len(HEAP_IS_WELL)
    assert all("CONFIG_DMABUF_HEAPS" in (check.reason or "") for check in missing)


def test_a_heap_whose_name_is_no_name_is_left_alone(tmp_path: Path) -> None:
    target = FakeTarget(
        heaps={"../null": HEAP_IS_WELL, "a\x1b[2J": HEAP_IS_WELL, "ok": HEAP_IS_WELL}
    )
    of_fake(target, tmp_path)
    assert target.probed_heaps == ["ok"]


def test_a_heap_that_kills_the_core_spares_the_others(tmp_path: Path) -> None:
    diagnosis = of_fake(FakeTarget(heaps={"bad": {}, "good": HEAP_IS_WELL}), tmp_path)
    assert "SIGSEGV" in (named(diagnosis, "dma-heap:bad").reason or "")
    assert named(diagnosis, "dma-heap:good").is_met
