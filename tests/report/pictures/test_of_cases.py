"""The picture that a Workload names is made of a Run's figures: lines, bars or points."""

import math

import pytest

from loadstone.model import Case, Metric
from loadstone.report.pictures.drawing import BarPanel, Drawing, XYPanel
from loadstone.report.pictures.of_cases import case_drawing
from loadstone.report.strips import reported
from loadstone.units import is_unit
from loadstone.workloads import Workload, make_cases, workload
from report.pictures.of_workloads import PICTURED, ROUNDS, run_of_workload
from sample_runs import manifest_of, plan_of, run_of, trial_of

of_every_picture = pytest.mark.parametrize("chosen", PICTURED, ids=lambda one: one.name)


def _drawing(chosen: Workload) -> Drawing:
    drawing = case_drawing(reported(run_of_workload(chosen)))
    assert drawing is not None
    return drawing


def test_these_workloads_name_one() -> None:
    named = {one.name for one in PICTURED}
    wanted = {"folio-write", "dm-flush", "dm-verity", "page-classes", "erofs-read", "compression"}
    assert named >= wanted


@of_every_picture
def test_what_it_names_is_known(chosen: Workload) -> None:
    picture = chosen.picture
    assert picture is not None
    parameters = {one.name for one in chosen.parameters}
    assert {*picture.groups, *filter(None, [picture.facet])} <= parameters
    units = {metric.name: metric.unit for metric in chosen.metrics}
    for column in (picture.x, *picture.y, *filter(None, [picture.colour])):
        assert is_unit(column.unit)
        assert units.get(column.name, column.unit) == column.unit
    assert not {column.name for column in picture.y} & parameters


@of_every_picture
def test_every_case_is_in_every_panel_of_its_kind(chosen: Workload) -> None:
    run, drawing = run_of_workload(chosen), _drawing(chosen)
    picture = chosen.picture
    assert picture is not None
    facets = {case.parameters.get(picture.facet or "") for case in run.manifest.plan.cases}
    assert len(drawing.panels) == len(picture.y) * len(facets)
    shown = sum(_count(panel) for panel in drawing.panels)
    assert shown == len(run.manifest.plan.cases) * len(picture.y)


def _count(panel: object) -> int:
    if isinstance(panel, BarPanel):
        return sum(len(row.bars) for row in panel.rows)
    assert isinstance(panel, XYPanel)
    return sum(len(line.marks) for line in panel.lines)


def test_folio_write_is_a_line_over_the_size_with_the_mean_folio_as_colour() -> None:
    chosen = workload("folio-write")
    cases, _ = make_cases(chosen, [{"size": size << 10} for size in (64, 4, 16)])
    folios = {4 << 10: 4096.0, 16 << 10: 16384.0, 64 << 10: 65536.0}
    trials = [
        trial_of(
            case,
            number,
            {"throughput": float(case.parameters["size"]) * 1e5 + number},
            evidence={"folio_mean_bytes": folios[int(case.parameters["size"])]},
        )
        for number in range(ROUNDS)
        for case in cases
    ]
    run = run_of(manifest_of(plan_of(cases), metrics=chosen.metrics), trials)
    drawing = case_drawing(reported(run))
    assert drawing is not None
    (panel,) = drawing.panels
    assert isinstance(panel, XYPanel)
    (line,) = panel.lines
    assert [mark.x for mark in line.marks] == [4096, 16384, 65536]
    assert [tick.label for tick in panel.x.ticks] == ["4 KiB", "16 KiB", "64 KiB"]
    middle = panel.x.at(16384)
    assert middle == pytest.approx((panel.x.at(4096) + panel.x.at(65536)) / 2)
    assert [mark.label for mark in line.marks] == ["4 KiB", "16 KiB", "64 KiB"]
    shades = [mark.shade for mark in line.marks]
    assert [(key.text, key.shade) for key in drawing.keys] == list(
        zip(["4 KiB", "16 KiB", "64 KiB"], shades, strict=True)
    )
    assert len(set(shades)) == 3
    assert drawing.keys_heading == "mean folio"
    ends = [mark.y_ends for mark in line.marks]
    assert all(end is not None and end[0] < end[1] for end in ends)


def test_a_line_is_all_that_differs_in_the_parameter_alone() -> None:
    chosen = workload("dm-flush")
    tables = ("linear", "stripe")
    cases, _ = make_cases(
        chosen, [{"segments": n, "table": table} for n in (1, 16, 256) for table in tables]
    )
    trials = [
        trial_of(
            case,
            number,
            {metric.name: 1000.0 / int(case.parameters["segments"]) for metric in chosen.metrics},
            evidence={"flushes_per_sync": float(case.parameters["segments"])},
        )
        for number in range(ROUNDS)
        for case in cases
    ]
    run = run_of(manifest_of(plan_of(cases), metrics=chosen.metrics), trials)
    drawing = case_drawing(reported(run))
    assert drawing is not None
    assert [key.text for key in drawing.keys] == list(tables)
    speed, flushes = drawing.panels
    assert isinstance(speed, XYPanel)
    assert isinstance(flushes, XYPanel)
    assert [[mark.x for mark in line.marks] for line in speed.lines] == [[1, 16, 256]] * 2
    assert speed.y.is_log
    assert flushes.y.is_log
    step = flushes.y.at(16) - flushes.y.at(1)
    assert flushes.y.at(256) - flushes.y.at(16) == pytest.approx(step, abs=0.01)


def test_where_a_figure_is_zero_its_axis_is_linear() -> None:
    chosen = workload("dm-flush")
    cases, _ = make_cases(chosen, [{"segments": n} for n in (1, 16, 256)])
    trials = [
        trial_of(case, 0, {"throughput": 1.0}, evidence={"flushes_per_sync": 100.0 * place})
        for place, case in enumerate(cases)
    ]
    run = run_of(manifest_of(plan_of(cases), metrics=(_KIB,)), trials)
    drawing = case_drawing(reported(run))
    assert drawing is not None
    (panel,) = drawing.panels
    assert isinstance(panel, XYPanel)
    assert not panel.y.is_log
    assert panel.y.at(0) == 0


_KIB: Metric = workload("dm-flush").metrics[0]


def test_a_figure_that_is_unknown_is_no_point() -> None:
    chosen = workload("dm-flush")
    cases, _ = make_cases(chosen, [{"segments": n} for n in (1, 16, 256)])
    known = {1: 2.0, 16: -1.0, 256: 9.0}
    trials = [
        trial_of(
            case,
            0,
            {"throughput": 1.0},
            evidence={"flushes_per_sync": known[int(case.parameters["segments"])]},
        )
        for case in cases
    ]
    drawing = case_drawing(reported(run_of(manifest_of(plan_of(cases), metrics=(_KIB,)), trials)))
    assert drawing is not None
    (panel,) = drawing.panels
    assert isinstance(panel, XYPanel)
    assert [mark.x for mark in panel.lines[0].marks] == [1, 256]


def test_too_few_rounds_have_no_whiskers() -> None:
    chosen = workload("dm-flush")
    cases, _ = make_cases(chosen, [{"segments": n} for n in (1, 16)])
    trials = [
        trial_of(case, number, {"throughput": 1.0, "syncs_per_s": 5.0 + number})
        for number in range(2)
        for case in cases
    ]
    run = run_of(manifest_of(plan_of(cases), metrics=chosen.metrics), trials)
    drawing = case_drawing(reported(run))
    assert drawing is not None
    (panel,) = drawing.panels
    assert isinstance(panel, XYPanel)
    assert [mark.y_ends for mark in panel.lines[0].marks] == [None, None]


def test_one_value_of_the_parameter_is_no_picture() -> None:
    chosen = workload("dm-flush")
    cases, _ = make_cases(chosen, [{"table": table} for table in ("linear", "stripe")])
    trials = [trial_of(case, 0, {"throughput": 1.0, "syncs_per_s": 5.0}) for case in cases]
    run = run_of(manifest_of(plan_of(cases), metrics=chosen.metrics), trials)
    assert case_drawing(reported(run)) is None


def test_points_of_a_group_that_differ_in_one_number_are_joined_and_named_by_it() -> None:
    chosen = workload("compression")
    cases, _ = make_cases(
        chosen,
        [
            {"file_system": "squashfs", "cluster": size << 10, "pattern": "random"}
            for size in (1024, 4, 64)
        ],
    )
    trials = [
        trial_of(
            case,
            number,
            {
                "throughput": 1.0,
                "stored_ratio": 1 / math.log2(int(case.parameters["cluster"])),
                "amplification": int(case.parameters["cluster"]) / 4096,
            },
        )
        for number in range(ROUNDS)
        for case in cases
    ]
    run = run_of(manifest_of(plan_of(cases), metrics=chosen.metrics), trials)
    drawing = case_drawing(reported(run))
    assert drawing is not None
    (panel,) = drawing.panels
    assert isinstance(panel, XYPanel)
    (line,) = panel.lines
    assert line.is_joined
    assert [mark.label for mark in line.marks] == ["4KiB", "64KiB", "1MiB"]
    assert panel.heading.startswith("random: ")


def test_page_classes_are_bars_a_row_each_with_their_intervals() -> None:
    drawing = _drawing(workload("page-classes"))
    for panel in drawing.panels:
        assert isinstance(panel, BarPanel)
        assert [row.label for row in panel.rows][:2] == ["zero", "half"]
        assert all(bar.ends and bar.ends[0] < bar.ends[1] for row in panel.rows for bar in row.bars)


def test_a_run_of_an_unknown_workload_has_none() -> None:
    run = run_of_workload(workload("dm-flush"))
    cases = tuple(
        type(case)(workload="of-tomorrow", label=case.label, parameters=case.parameters, id=case.id)
        for case in run.manifest.plan.cases
    )
    of_tomorrow = run_of(manifest_of(plan_of(cases), metrics=run.manifest.metrics), run.trials)
    assert case_drawing(reported(of_tomorrow)) is None


def test_what_follows_from_a_group_or_facet_tells_no_points_apart() -> None:
    """The size of a read follows from its pattern, which has panels of its own."""
    drawing = _drawing(workload("erofs-read"))
    labels = {
        mark.label
        for panel in drawing.panels
        if isinstance(panel, XYPanel)
        for line in panel.lines
        for mark in line.marks
    }
    assert labels == {"4KiB", "64KiB", ""}


def test_cases_that_lack_the_parameter_are_left_out() -> None:
    """As those of another Loadstone may."""
    chosen = workload("dm-flush")
    run = run_of_workload(chosen)
    first, *others = run.manifest.plan.cases
    parameters = {**first.parameters, "segments": "many"}
    strange = Case(workload=first.workload, label=first.label, parameters=parameters, id=first.id)
    plan = plan_of((strange, *others))
    changed = run_of(manifest_of(plan, metrics=chosen.metrics), run.trials)
    drawing = case_drawing(reported(changed))
    assert drawing is not None
    assert _count(drawing.panels[0]) == len(others)
