"""Foreign load, made on purpose: bursts of processes that compress, write, sync and read.

``python tests/noise.py DIRECTORY --burst 25 70 --seed 1`` goes on until it is interrupted; what it
does follows from the seed.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import signal
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

_PROCESSES = (1, 3)
_FILE_BYTES = 16 << 20


def work(path: Path, seed: int) -> None:
    """Compress, write and sync, and read again, until somebody ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    words = [random.Random(seed).randbytes(64) for _ in range(64)]
    rng = random.Random(seed)
    while True:
        text = b"".join(rng.choices(words, k=_FILE_BYTES // 64))
        for _ in range(rng.randint(1, 4)):
            zlib.compress(text[: _FILE_BYTES // 4], 6)
        with path.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.posix_fadvise(fd := os.open(path, os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)
        try:
            while os.read(fd, 1 << 20):
                pass
        finally:
            os.close(fd)


@contextlib.contextmanager
def burst(directory: Path, processes: int, seed: int) -> Iterator[None]:
    """So many processes at work; at the end they and their files are gone."""
    paths = [directory / f"noise-{os.getpid()}-{number}" for number in range(processes)]
    started = [
        multiprocessing.Process(target=work, args=(path, seed + number), daemon=True)
        for number, path in enumerate(paths)
    ]
    try:
        for process in started:
            process.start()
        yield
    finally:
        for process in started:
            process.kill()
            process.join()
        for path in paths:
            path.unlink(missing_ok=True)


def make_noise(directory: Path, least_s: float, most_s: float, seed: int) -> None:
    """Bursts of one to three processes for so long each, with pauses as long between them."""
    rng = random.Random(seed)
    while True:
        time.sleep(rng.uniform(least_s, most_s))
        with burst(directory, rng.randint(*_PROCESSES), rng.randrange(1 << 30)):
            time.sleep(rng.uniform(least_s, most_s))


def main() -> None:
    """Make noise until a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--burst", nargs=2, type=float, default=(25.0, 70.0), metavar=("S", "S"))
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        least_s, most_s = said.burst
        make_noise(said.directory, least_s, most_s, said.seed)


if __name__ == "__main__":
    main()
