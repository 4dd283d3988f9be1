"""Runs for a report, and what a browser makes of its page."""

from collections.abc import Mapping
from html.parser import HTMLParser

from loadstone.model import Case, Histogram, Metric, Run, Span, Status, Trial
from sample_runs import READY, SPEED, manifest_of, plan_of, run_of, trial_of

FAST, SLOW, ABSENT = (
    Case.of("model-load", label, {"engine": label}) for label in ("fast", "slow", "absent")
)
HOSTILE = "<script>alert(1)</script>\"'&</title>`<b>`\x1b[31m\u202egnp.exe"


def good_trial(case: Case, number: int, speed: float, **changes: object) -> Trial:
    """A Trial with spans, latencies and evidence; ``speed`` is in B/s, of 64 MB."""
    ready_ns = int(64e6 / speed * 1e9)
    fields: dict[str, object] = {
        "evidence": {"minor_faults": 3.0, "cached_after_bytes": 64.0, "vmstat.pgsteal_anon": 0.0},
        "spans": (
            Span(name="open", lane=0, start_ns=0, end_ns=10_000),
            Span(name="read", lane=0, start_ns=10_000, end_ns=ready_ns),
            Span(name="release", lane=0, start_ns=3 * ready_ns, end_ns=3 * ready_ns + 5_000_000),
        ),
        "histograms": (
            Histogram(
                name="read",
                count=500,
                min_ns=1000,
                max_ns=90_000,
                sum_ns=5_000_000,
                buckets={1000: 400, 89_600: 100},
            ),
        ),
    }
    metrics = {"throughput": speed, "ready_ns": ready_ns}
    return trial_of(case, number, metrics, **fields | changes)


def run_with(
    *trials: Trial,
    cases: tuple[Case, ...] = (SLOW, ABSENT, FAST),
    id_: str = "r",
    rounds: int = 6,
    metrics: tuple[Metric, ...] = (SPEED, READY),
    facts: Mapping[str, int | str] | None = None,
) -> Run:
    """A Run with these Trials."""
    plan = plan_of(cases, rounds=rounds, seed=77)
    return run_of(manifest_of(plan, id_=id_, metrics=metrics, facts=facts), trials)


MEASURED = (
    *(good_trial(FAST, number, 2.0e9 + 1e7 * number) for number in range(6)),
    *(good_trial(SLOW, number, 1.0e9 + 1e7 * number) for number in range(6)),
    good_trial(ABSENT, 0, 1.0, status=Status.SKIPPED, reason="no udmabuf", remedy="load `udmabuf`"),
)


class Page(HTMLParser):
    """What a browser would make of a page: elements, attributes, text, tables."""

    _VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in self._VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if self._open and self._open[-1] in ("th", "td"):
            self.rows[-1][-1] += data

    def count(self, tag: str, **attributes: str) -> int:
        return sum(
            found == tag and attributes.items() <= has.items() for found, has in self.elements
        )

    def row(self, first: str) -> list[str]:
        return next(row for row in self.rows if row and row[0] == first)


PHONE: dict[str, int | str] = {
    "phone.manufacturer": "Vendor",
    "phone.model": "Phone 5",
    "phone.soc": "SM8250",
    "android.version": "14",
    "android.security_patch": "2024-02-05",
    "cpu.clusters": "0-3, up to 1.80 GHz; 4-7, up to 2.84 GHz",
    "cpu.pinned": "4-7",
    "heat.zones": "cpu-1-3-usr 41.7 °C",
    "heat.cooling": "none of 6 devices active",
    "block.stack": "dm-7 (userdata) over sda33 of sda",
    "disk.model": "KLUDG4UHGC",
    "ufs.specification": "3.1",
}
COUNTED: dict[str, int | str] = {
    "clock.name": "instructions",
    "clock.ns_per_instruction": 1,
    "clock.accelerator": "tcg",
    "clock.processor": "max,-erms,-fsrm",
    "calibration.syscall_ns": 142,
    "kernel.release": "7.3.4",
    "lab.kernel": "trixie-backports",
    "lab.package": "linux-image-7.3.4",
    "lab.package_version": "7.3.4-1",
    "lab.qemu": "7.2.22",
    "lab.boots": 2,
    "storage.profile": "ufs40",
    "storage.driver": "null_blk",
    "storage.mbps": 4200,
    "fs.type": "ext4",
    "fs.mkfs": "mkfs.ext4 -F",
}
CLOCK = "counted instructions (1 ns each, processor max,-erms,-fsrm): a cost model, not time"
