"""The head of a report says what a Run was made on."""

import io

from rich.console import Console

from loadstone.report import html
from loadstone.report.text import print_run
from report.pages import CLOCK, COUNTED, MEASURED, PHONE, Page, run_with


def test_what_the_machines_of_several_runs_do_not_share_is_listed() -> None:
    facts: dict[str, int | str] = {"kernel.release": "6.1", "cpu.count": 8, "kernel.boot_id": "a"}
    other = facts | {"kernel.release": "6.18", "kernel.boot_id": "b"}
    page = Page(html.render([run_with(*MEASURED, facts=facts), run_with(*MEASURED, facts=other)]))
    assert page.row("kernel.release") == ["kernel.release", "6.1", "6.18"]
    assert not any(row[0] in ("cpu.count", "kernel.boot_id") for row in page.rows)


def test_a_phone_its_clusters_and_its_storage_stand_at_the_head() -> None:
    text = Page(html.render([run_with(*MEASURED, facts=PHONE)])).text
    for line in (
        "Vendor, Phone 5, SM8250, 2024-02-05, Android 14",
        "0-3, up to 1.80 GHz; 4-7, up to 2.84 GHz, pinned: 4-7",
        "cpu-1-3-usr 41.7 °C, none of 6 devices active",
        "dm-7 (userdata) over sda33 of sda, KLUDG4UHGC, UFS 3.1",
    ):
        assert line in text


def test_a_lab_run_s_clock_kernel_and_storage_stand_above_its_figures() -> None:
    run = run_with(*MEASURED, facts=COUNTED)
    text = Page(html.render([run])).text
    stream = io.StringIO()
    print_run(run, Console(file=stream, width=400))
    for shown, first_figure in ((text, "Fastest"), (stream.getvalue(), "2.025")):
        head = shown[: shown.index(first_figure)]
        assert CLOCK in head
        assert "GB per virtual second" in head
        assert "ufs40, null_blk, mbps 4200" in head
        assert "kernel trixie-backports, from linux-image-7.3.4 7.3.4-1, QEMU 7.2.22" in head
        assert "2 boots" in head
    assert "made by mkfs.ext4 -F" in text
    assert "syscall_ns 142" in text
