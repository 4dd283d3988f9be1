"""A Perfetto trace, asked by SQL through Perfetto's own trace processor."""

from typing import Any

import msgspec
import pytest

from export.real_runs import real_run
from export.runs import COUNTED, FAST, MEANING, SLOW, rendered_bytes, run_with
from export.trace_processor import ask
from loadstone.analysis.summary import counted_trials
from loadstone.export.perfetto import layers_of
from loadstone.model import Case, Run, Span
from sample_runs import manifest_of, plan_of, run_of, trial_of

SLICES = """select slice.name, ts, dur, track.name as track, parent.name as over
    from slice join track on track.id = slice.track_id
    left join track parent on parent.id = track.parent_id order by ts, slice.id"""
COMPLAINTS = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"
CASE = Case.of("model-load", "pread → anon", {"engine": "pread"})
BOOT = "11111111-2222-3333-4444-555555555555"


def span(name: str, start_ns: int, end_ns: int, lane: int = 0) -> Span:
    return Span(name=name, lane=lane, start_ns=start_ns, end_ns=end_ns)


def booted_run(spans: tuple[Span, ...]) -> Run:
    """One Trial of 1000 ns of set-up, 500 ns of timed region and 70 ns besides."""
    trial = trial_of(
        CASE,
        4,
        {"throughput": 2.5},
        evidence={"set_cache_ns": 1000.0, "ready_ns": 500.0},
        spans=spans,
        overhead_ns=70,
        boot=BOOT,
        boottime_ns=5_000_000,
    )
    return run_of(manifest_of(plan_of([CASE]), facts=COUNTED), [trial])


def test_sql_finds_rounds_trials_and_spans_to_the_nanosecond() -> None:
    run = booted_run((span("read", 0, 500), span("allocate", 10, 60, lane=1000)))
    slices, args, complaints, clocks = ask(
        rendered_bytes("perfetto", run),
        SLICES,
        "select key, display_value as value from args join slice using (arg_set_id) "
        f"join track on track.id = slice.track_id where track.name = '{CASE.label}'",
        COMPLAINTS,
        "select clock_id, clock_value as value from clock_snapshot order by clock_id",
    )
    assert complaints == []
    assert [tuple(one.values()) for one in slices] == [
        ("round 4", 5_000_000, 1570, "rounds", "loadstone r"),
        ("p", 5_000_000, 1570, "loadstone r", None),
        ("round 4", 5_000_000, 1570, CASE.label, "loadstone r"),
        ("read", 5_001_000, 500, "lane 0", CASE.label),
        ("allocate", 5_001_010, 50, "lane 1000", CASE.label),
    ]
    known = {one["key"]: one["value"] for one in args}
    assert known["debug.metric.throughput_bytes_per_second"] == "2.5"
    assert known["debug.evidence.ready_ns"] == "500.0"
    assert known["debug.case"] == CASE.id
    # 2026-01-01T00:04Z when that boot was 5 ms old.
    assert [tuple(one.values()) for one in clocks] == [
        (1, 1_767_225_840_000_000_000),
        (6, 5_000_000),
    ]


def test_a_real_run_arrives_whole_and_says_by_which_clock() -> None:
    run = real_run("three-ways")
    trials = [trial for own in counted_trials(run).values() for trial in own]
    slices, complaints, clock = ask(
        rendered_bytes("perfetto", run),
        SLICES,
        COMPLAINTS,
        "select display_value as value from args where key = 'debug.clock'",
    )
    assert complaints == []
    assert clock == [{"value": "time of a real machine"}]
    found = sorted((one["name"], one["dur"]) for one in slices if str(one["track"])[:4] == "lane")
    assert found == sorted(
        (one.name, one.end_ns - one.start_ns) for trial in trials for one in trial.spans
    )
    # Of two boots, or of before they were kept: by the clock of the day.
    assert all(1_795_000_000 < int(str(one["ts"])) / 1e9 < 1_796_000_000 for one in slices)


def test_spans_that_overlap_on_a_lane_are_parted_so_that_none_is_cut() -> None:
    spans = (span("a", 0, 10), span("b", 5, 15), span("in a", 1, 3), span("c", 10, 12))
    layers = layers_of(spans)
    assert [[one.name for one in layer] for layer in layers] == [["a", "in a", "c"], ["b"]]
    slices, complaints = ask(rendered_bytes("perfetto", booted_run(spans)), SLICES, COMPLAINTS)
    assert complaints == []
    found = [(one["name"], one["dur"], one["track"]) for one in slices[3:]]
    assert found == [
        ("a", 10, "lane 0"),
        ("in a", 2, "lane 0"),
        ("b", 10, "lane 0 (2)"),
        ("c", 2, "lane 0"),
    ]


def test_perfettos_own_messages_read_every_packet() -> None:
    """Also where there is no node to run the trace processor."""
    messages = pytest.importorskip(
        "perfetto.protos.perfetto.trace.perfetto_trace_pb2", reason="pip install perfetto"
    )
    data = rendered_bytes("perfetto", run_with(COUNTED))
    trace: Any = messages.Trace()
    trace.ParseFromString(data)
    assert trace.SerializeToString() and not _unknown(trace)
    names = [packet.track_descriptor.name for packet in trace.packet]
    assert [name for name in names if name][2:] == [SLOW.label, FAST.label]
    (notes,) = (
        {note.name: note.string_value for note in packet.track_event.debug_annotations}
        for packet in trace.packet
        if packet.track_event.name == "p"
    )
    assert (notes["clock"], notes["storage"]) == (MEANING, "ufs40")


def _unknown(message: Any) -> int:
    """How many fields have numbers or kinds that Perfetto does not know."""
    unknown = pytest.importorskip("google.protobuf.unknown_fields").UnknownFieldSet
    return len(unknown(message)) + sum(len(unknown(packet)) for packet in message.packet)


def test_trials_that_the_clock_of_the_day_has_overlap_do_not_nest() -> None:
    """It is known to a millisecond, and a Trial may begin within the one in which another ends."""
    trials = [
        trial_of(
            CASE,
            number,
            {"throughput": 2.5},
            started=f"2026-01-01T00:00:00.{milliseconds:03}Z",
            evidence={"ready_ns": 10_900_000.0},
            spans=(span("read", 0, 10_900_000),),
        )
        for number, milliseconds in ((0, 1), (1, 11), (2, 30))
    ]
    run = run_of(manifest_of(plan_of([CASE])), trials)
    slices, complaints = ask(rendered_bytes("perfetto", run), SLICES, COMPLAINTS)
    assert complaints == []
    taken_ns = {
        (one["track"], one["name"]): one["dur"] for one in slices if "round" in str(one["name"])
    }
    expected = {"round 0": 10_000_000, "round 1": 10_900_000, "round 2": 10_900_000}
    for track in ("rounds", CASE.label):
        assert {name: taken_ns[track, name] for name in expected} == expected
    assert [one["dur"] for one in slices if one["name"] == "read"] == [10_900_000] * 3


def test_a_trial_that_ended_before_its_spans_is_as_long_as_these() -> None:
    run = booted_run((span("read", -5000, 90_000),))
    (trial,) = run.trials
    short = msgspec.structs.replace(trial, overhead_ns=0, evidence={})
    (slices,) = ask(
        rendered_bytes("perfetto", msgspec.structs.replace(run, trials=(short,))), SLICES
    )
    assert [(one["ts"], one["dur"]) for one in slices[2:]] == [(5_000_000, 95_000)] * 2
