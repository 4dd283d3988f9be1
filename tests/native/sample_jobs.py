"""One or more Jobs of every operation, which any user can ask for on any machine.

Where one would take a device or a kernel's driver, it is one that is refused alike everywhere.
"""

import atexit
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from loadstone.core import native
from loadstone.model import Job

MODEL_BYTES = (2 << 20) + 13
SAMPLES = ("/proc/vmstat", "/proc/self/io", "/proc/nowhere")

_NO_ZRAM = 1 << 20

Maker = Callable[[Path], list[Job]]


def prepare(place: Path) -> None:
    """Lay out the files that the Jobs of ``jobs_of`` name."""
    place.mkdir()
    (place / "tree" / "below").mkdir(parents=True)
    (place / "tree" / "file").write_text("text")
    (place / "tree" / "below" / "again").hardlink_to(place / "tree" / "file")
    (place / "tree" / "link").symlink_to("file")
    copied = {"source": str(place / "tree"), "copy": str(place / "loadstone-copied")}
    for operation, options in (
        ("make-file", {"file": str(place / "model"), "bytes": str(MODEL_BYTES)}),
        ("checksum", {"file": str(place / "model"), "output": str(place / "sums")}),
        ("file-tree", copied),
    ):
        outcome = native.run_job(Job(operation=operation, options=options))
        assert outcome.error is None
    (place / "loadstone-old").write_text("old")
    (place / "text").write_text("two\nlines\n")
    # As a block device's.
    (place / "stat").write_text("1 2 3 4 5 6 7 8 9 10 11\n")


def jobs_of(operation: str, place: Path) -> list[Job]:
    """The sample Jobs of one operation, on the files of ``place``.

    Raises:
        AssertionError: this table has none.
    """
    assert operation in _MAKERS, (
        f"the operation {operation!r} is new: give it sample Jobs in {Path(__file__).name}, so "
        "that the agent is held to answer as the core does"
    )
    return _MAKERS[operation](place)


def _job(operation: str, *samples: str, **options: object) -> Job:
    texts = {key.replace("_", "-"): str(value) for key, value in options.items()}
    return Job(operation=operation, options=texts, samples=samples, timeout_s=60)


def _model_loads(place: Path) -> list[Job]:
    def load(**options: object) -> Job:
        given = {"engine": "pread", "io": "buffered", "destination": "anon", "verify": "full"}
        files = {"file": place / "model", "checksums": place / "sums", "cache": "as-is"}
        return _job("model-load", *SAMPLES, **given | files | options)

    return [
        load(),
        load(threads=3, buffers=2, overlap=65536, block=16384),
        load(engine="mmap", destination="mapping"),
        load(engine="sendfile", destination="memfd"),
        load(engine="sendfile"),
        load(destination="dma-heap", heap="no-such-heap"),
        load(file=place / "absent"),
        load(expect_bytes=1),
        load(again="on"),
        load(pressure=1 << 20, threads=2),
        load(pressure=3 << 20, again="on"),
        load(pressure=4096, pressure_group=place / "loadstone-none"),
        load(pressure=4096, pressure_available=1 << 60),
        load(pressure=1 << 50),
        load(depth=0, engine="uring"),
        load(block=1 << 64),
        load(colour="red"),
    ]


def _folio_writes(place: Path) -> list[Job]:
    file = place / "loadstone-written"
    return [
        _job("folio-write", *SAMPLES, file=file, size=65536, total=1 << 20),
        _job("folio-write", file=file, size=4096, total=1 << 18, sync="every", payload="text"),
        _job("folio-write", file=file, size=65536, total=1 << 20, engine="uring", depth=4),
        _job("folio-write", file=place / "model", size=65536, total=1 << 20),
        _job("folio-write", file=file, size=65536),
    ]


def _commands(place: Path) -> list[Job]:
    def run(command: str, **options: object) -> Job:
        given = {"command": command, "file": place / "model", "cache": "as-is"}
        return _job("command", *SAMPLES, **given | options)

    return [
        run('cat "$LOADSTONE_MODEL" > /dev/null'),
        run("echo loadstone: loading; echo x >&$LOADSTONE_READY_FD; sleep 0.2", ready="said"),
        run("echo no words >&2; exit 3"),
        run("kill -TERM $$"),
        run("no-such-program"),
        run("true", ready="said"),
        run("sleep 60 > /dev/null", limit=1),
        run("true", limit=0),
        run("true", file=place / "absent"),
        run("true", expect_bytes=1),
        _job("command", file=place / "model"),
    ]


@cache
def _sleeper() -> int:
    """The PID of a process whose memory stays as it is."""
    process = subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL)
    atexit.register(process.kill)
    return process.pid


def _process_pages(place: Path) -> list[Job]:
    def look(**options: object) -> Job:
        return _job("process-pages", "kinds", **{"pid": _sleeper(), "most_ms": 0} | options)

    return [
        look(thresholds="2048,3257"),
        look(algorithm="zstd", level=1, most_pages=0),
        look(most_pages=3),
        look(start_ticks=1),
        look(level=1 << 20),
        look(pid=0),
        look(pid=(1 << 31) - 1),
        look(thresholds="1,2,3,4,5"),
        look(device=place / "model"),
        _job("process-pages", pid=os.getpid()),
    ]


def _layout_sizes(place: Path) -> list[Job]:
    model = f"0:{MODEL_BYTES}:1:{place / 'model'}"

    def sizes(pieces: str, **options: object) -> Job:
        return _job("layout-sizes", "0", pieces=pieces, **options)

    return [
        sizes(f"{model},0:4096:0:{place}/%74ext,0:10:1:{place / 'text'}", threads=2),
        sizes(f"0:8192:0:{place / 'model'}", algorithm="lz4hc", level=9),
        sizes(f"0:8192:0:{place / 'model'}", algorithm="zstd", level=1),
        sizes(f"1048576:8192:0:{place / 'absent'},0:1:1:{place}"),
        sizes(model, level=1),
        sizes(model, algorithm="zstd", level=99),
        sizes(model, threads=0),
        sizes("0:1:1:%"),
        sizes(f"0:{1 << 40}:1:{place / 'model'}"),
        _job("layout-sizes", pieces=model),
    ]


_MAKERS: dict[str, Maker] = {
    "calibrate": lambda place: [
        _job("calibrate", *SAMPLES, effect="syscall", count=100, batches=3),
        _job("calibrate", effect="write", count=4, batches=2, file=place / "loadstone-new"),
        _job("calibrate", effect="write", count=4, file=place / "model"),
        _job("calibrate", effect="none"),
    ],
    "checksum": lambda place: [
        _job("checksum", file=place / "model", output=place / "sums-again"),
        _job("checksum", file=place, output=place / "sums-again"),
        _job("checksum", file=place / "model"),
    ],
    "claim-device": lambda place: [
        _job("claim-device", device=place / "model"),
        _job("claim-device", device=place / "absent"),
    ],
    "clock-step": lambda _: [_job("clock-step"), _job("clock-step", speed=1)],
    "command": _commands,
    "control": lambda place: [
        _job("control", cpu_ms=0, memory_ms=0),
        _job("control", file=place / "absent"),
        _job("control", file=place / "text"),
        _job("control", cpu_ms=1001),
    ],
    "control-group": lambda place: [
        _job("control-group", action="make", directory=place / "loadstone-group"),
        _job("control-group", action="enter", directory=place),
        _job("control-group", action="enter", directory=place / "loadstone-old"),
        _job("control-group", action="remove", directory=place / "loadstone-old"),
        _job("control-group", action="remove", directory=place / "loadstone-none"),
        _job("control-group", action="remove", directory="/sys/fs/cgroup"),
        _job("control-group", action="melt", directory="/loadstone-none"),
    ],
    "copy-file": lambda place: [
        _job("copy-file", *SAMPLES, source=place / "model", file=place / "loadstone-copy"),
        _job("copy-file", source=place / "model", file=place / "loadstone-copy"),
        _job("copy-file", source=place / "model", file=place / "copy"),
        _job("copy-file", source=place / "absent", file=place / "loadstone-other"),
        _job("copy-file", source=place / "model", file=place / "loadstone-x", compress="ext4"),
    ],
    "damaged-read": lambda place: [
        _job("damaged-read", device=model, baseline=model, offset=0, bytes=bytes)
        for model in (place / "model",)
        for bytes in (1, 4096)
    ],
    "steady-write": lambda place: [
        _job(
            "steady-write",
            file=place / f"loadstone-{Path(stat).name}",
            device_stat=stat,
            bytes=64 << 10,
            write=4096,
            total=256 << 10,
            sync="fdatasync",
        )
        for stat in (place / "stat", place / "absent", place / "text")
    ],
    "device-read": lambda place: [
        _job("device-read", device=place / "model", baseline=place / "model", total=1 << 20),
        _job("device-read", device=place / "model", baseline=place / "model", total=0),
    ],
    "dm-flush": lambda place: [
        _job("dm-flush", device=place / "model"),
        _job("dm-flush", device=place / "model", threads=0),
    ],
    "dm-targets": lambda _: [
        _job("dm-targets", name="vg-root"),
        _job("dm-targets"),
    ],
    "dm-table": lambda _: [
        _job("dm-table", action="create", name="vg-root", table="0 8 zero"),
        _job("dm-table", action="status", name="l" * 128),
        _job("dm-table", action="melt"),
    ],
    "extents": lambda place: [
        _job("extents", file=place / "model"),
        _job("extents", file=place),
        _job("extents", file="/dev/null"),
        _job("extents", file=place / "absent"),
    ],
    "file-immutable": lambda place: [
        _job("file-immutable", file=place / "model", immutable="on"),
        _job("file-immutable", file=place / "loadstone-old", immutable="off"),
        _job("file-immutable", file=place / "loadstone-none", immutable="off"),
        _job("file-immutable", file=place / "loadstone-old", immutable="maybe"),
    ],
    "file-read": lambda place: [
        _job("file-read", *SAMPLES, file=place / "model", total=1 << 20, checksums=place / "sums"),
        _job("file-read", file=place / "model", total=1 << 18, pattern="random", block=4096),
        _job("file-read", file=place / "model", total=1 << 18, pattern="mmap", block=16384),
        _job("file-read", file=place / "model", total=1 << 18, pattern="mmap", io="direct"),
        _job("file-read", file=place / "model", total=1 << 20, checksums=place / "text"),
        _job("file-read", file=place / "model", total=4 << 20),
        _job("file-read", file=place / "model", total=1 << 18, **{"trace-calls": "no_such_one"}),
        _job("file-read", file=place / "absent", total=1 << 20),
        _job("file-read", file=place / "model", total=1 << 20, block=1),
        _job("file-read", file=place / "model", total=1),
    ],
    "file-tree": lambda place: [
        _job("file-tree", *SAMPLES, source=place / "tree", copy=place / "loadstone-tree"),
        _job("file-tree", source=place / "tree", copy=place / "loadstone-copied", phase="read"),
        _job("file-tree", source=place / "tree", copy=place / "theirs"),
        _job("file-tree", source=place / "absent", copy=place / "loadstone-none"),
    ],
    "folio-write": _folio_writes,
    "layout-sizes": _layout_sizes,
    "list-directories": lambda place: [
        _job("list-directories", str(place), str(place / "absent"), str(place / "model")),
        _job("list-directories"),
    ],
    "loop-device": lambda place: [
        _job("loop-device", action="attach", image=place / "model"),
        _job("loop-device", action="detach", image=place / "model"),
    ],
    "make-file": lambda place: [
        _job("make-file", file=place / "loadstone-made", bytes=4097, seed=3),
        _job("make-file", file=place / "loadstone-sparse", bytes=5 << 30, content="sparse"),
        _job("make-file", file=place / "loadstone-text", bytes=(1 << 20) + 1, content="text"),
        _job("make-file", file=place / "model", bytes=1),
        _job("make-file", file=place / "loadstone-large", bytes=1 << 63),
    ],
    "merge-read": lambda place: [
        _job("merge-read", device=model, image=model, compared=model, **options)
        for model in (place / "model",)
        for options in ({}, {"threads": 1024}, {"snapshot": "vg-root"}, {"merging": "0 8 zero"})
    ],
    "model-load": _model_loads,
    "probe": lambda place: [
        _job("probe"),
        _job("probe", file=place / "model", heap="no-such-heap"),
        _job("probe", file=place / "absent"),
    ],
    "process-pages": _process_pages,
    "read-text": lambda place: [
        _job("read-text", str(place / "text"), file=place / "text"),
        _job("read-text", str(place / "text"), file=place / "text", offset=4),
        _job("read-text", str(place / "absent"), file=place / "absent"),
        _job("read-text", file=place / "text"),
    ],
    "read-texts": lambda place: [
        _job("read-texts", *SAMPLES, str(place / "text")),
        _job("read-texts"),
    ],
    "page-classes": lambda place: [
        _job("page-classes", device=place / "model", total=1 << 20),
        _job("page-classes", device=place / "absent", **{"class": "file"}, file=place / "model"),
        _job("page-classes", device=place / "model", path="swap", thp="on"),
        _job("page-classes", device=place / "model", total=1),
    ],
    "remove-file": lambda place: [
        _job("remove-file", file=place / "loadstone-old"),
        _job("remove-file", file=place / "loadstone-old"),
        _job("remove-file", file=place / "model"),
    ],
    "stat": lambda place: [
        _job("stat", str(place / "model"), file=place / "model"),
        _job("stat", file=place),
        _job("stat", file="/dev/null"),
        _job("stat", file=place / "absent"),
    ],
    "write-text": lambda place: [
        _job("write-text", file="/proc/self/comm", text="loadstone"),
        _job("write-text", file=place / "text", text="x"),
        _job("write-text", file=place / "absent", text="x"),
    ],
    "write-update": lambda place: [
        _job("write-update", image=model, device=model, write="before", changed=changed)
        for model in (place / "model",)
        for changed in (0, "some")
    ],
    # Of a number that no device has.
    "zram-device": lambda _: [
        _job("zram-device", action="remove", number=_NO_ZRAM, bytes=4096),
        _job("zram-device", action="remove", number=1 << 32, bytes=4096),
        _job("zram-device", action="make", number=_NO_ZRAM, bytes=1),
        _job("zram-device", action="make", number=_NO_ZRAM, bytes=1 << 16, level=1),
        _job("zram-device", action="melt"),
    ],
    "zram-swap": lambda _: [
        _job("zram-swap", action="off", number=_NO_ZRAM, bytes=4096),
        _job("zram-swap", action="on", number=_NO_ZRAM, bytes=4096),
        _job("zram-swap", action="on", number=_NO_ZRAM, bytes=4096, priority=1 << 15),
    ],
}
