"""What can be asked for, and how; what comes out on which stream."""

import json
import os
import pty
import re
from pathlib import Path

import pytest

from commands import MIB, Command, needs
from loadstone import __version__

ONCE = ("--rounds", "1", "--warmups", "0")
_WORKLOADS = (
    "there are calibration, command, compression, dm-flush, dm-verity, dm-verity-fec, erofs-read, "
    "f2fs-read, folio-write, inline-tail, model-load, page-classes, "
    "virtual-ab, zoned-gc"
)
VERBS = (
    *(
        "ab",
        "advise",
        "clean",
        "compare",
        "completion",
        "devices",
        "doctor",
        "export",
        "gate",
        "import",
        "lab",
        "layout",
    ),
    *("list", "pages", "plan", "report", "resume", "run", "schema", "show"),
)


def test_every_verb_tells_how_it_is_used(loadstone: Command) -> None:
    overview = loadstone("--help")
    assert overview.code == 0
    lines = overview.out.split("Commands:\n")[1].splitlines()
    verbs = [line.split()[0] for line in lines]
    assert verbs == list(VERBS)
    assert not [line for line in lines if line.endswith("...")]
    for verb in (*verbs, "lab run", "lab shell", "lab kernels", "lab kernels fetch"):
        done = loadstone(*verb.split(), "--help", env={"COLUMNS": "80"})
        assert done.code == 0, verb
        assert max(map(len, done.out.splitlines())) <= 80, verb
        assert done.out.startswith(f"Usage: loadstone {verb} "), verb
        assert done.err == ""
        # A summary that was cut, and click's names of types.
        assert not [line for line in done.out.splitlines() if re.search(r"[a-z,]\.\.\.$", line)]
        assert not re.search(
            "TEXT|INTEGER|FLOAT|RANGE|PATH|FILENAME", done.out.split("Options:")[1]
        )


def test_without_a_verb_it_tells_what_there_is(loadstone: Command) -> None:
    done = loadstone()
    assert (done.code, done.err) == (0, "")
    assert "loadstone run --file model.gguf" in done.out
    assert __version__ in loadstone("--version").out


def test_list_tells_every_parameter_with_its_values(loadstone: Command) -> None:
    done = loadstone("list")
    assert done.code == 0
    for word in ("model-load", "engine", "destination", "dma-heap:NAME", "overlap", "verify"):
        assert word in done.out
    assert loadstone("list", "model-load").out in done.out


def test_list_breaks_its_lines_on_a_terminal_and_leaves_them_whole_in_a_pipe(
    loadstone: Command,
) -> None:
    """On a terminal of 80 columns the same words come in the same order."""
    reader, writer = pty.openpty()
    process = loadstone.start("list", stdout=writer, env={"COLUMNS": "80"})
    os.close(writer)
    shown = b"".join(iter(lambda: read_terminal(reader), b"")).decode()
    process.communicate(timeout=60)
    os.close(reader)
    whole = loadstone("list").out
    assert process.returncode == 0
    assert shown.split() == whole.split()
    assert max(map(len, whole.splitlines())) > 80
    assert max(map(len, shown.splitlines())) <= 80


def read_terminal(reader: int) -> bytes:
    """What a terminal shows next; nothing when nobody has it open any more (EIO)."""
    try:
        return os.read(reader, 4096)
    except OSError:
        return b""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_every_shell(loadstone: Command, shell: str) -> None:
    done = loadstone("completion", shell)
    assert done.code == 0
    assert "loadstone" in done.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("frob",), "No such command 'frob'; see `loadstone --help`"),
        (("run", "--zzz"), "No such option '--zzz'; see `loadstone run --help`"),
        (("run", "a", "b"), "Got unexpected extra argument (b); see `loadstone run --help`"),
        (("compare", "a"), "a Run is compared with another one, or its Cases by a parameter: nei"),
        (
            ("gate", "a", "b", "--by", "block"),
            "a Run is compared with another one, or its Cases by a parameter: both are named; name",
        ),
        (("run", "frob"), f"frob: no such workload; {_WORKLOADS}, or a plan file (….toml)"),
        (("list", "frob"), f"frob: no such workload; {_WORKLOADS}, or a plan file (….toml)"),
        (
            ("run", "model.gguf"),
            f"model.gguf: no such workload; {_WORKLOADS}, or a plan file (….toml); "
            "a model file goes behind --file",
        ),
        (("run", "no.toml"), "no.toml: No such file or directory (ENOENT); name a workload or a"),
        (
            ("run", "--target", "moon"),
            "--target moon: no such kind of target; take one of adb, local",
        ),
        (("run", "--target", "local:x"), "--target local:x: local takes no address"),
        (("run", "--rounds", "0"), "rounds: 0 is out of range; write 1 to 10000"),
        (("run", "--rounds", "-1"), "rounds: -1 is out of range"),
        (("run", "--rounds", "10001"), "rounds: 10001 is out of range"),
        (("run", "--rounds", "many"), "Invalid value for '--rounds': 'many' is not a valid int"),
        (("run", "--warmups", "-1"), "warmups: -1 is out of range"),
        (("run", "--seed", "-1"), "seed: -1 is out of range"),
        (("run", "--size", "0"), "--size 0: an empty file cannot be loaded"),
        (("run", "--size", "-5"), "--size -5: '-5' is not a size; write 4k, 1MiB, 2g or plain"),
        (("run", "--size", "big"), "--size big: 'big' is not a size"),
        (("run", "--size", "1.5"), "--size 1.5: '1.5' is not a whole number of bytes"),
        (
            ("run", "--size", "9" * 400),
            f"--size {'9' * 400}: '{'9' * 400}' is too much; write less",
        ),
        (
            ("run", "--pin", "huge"),
            "--pin huge: is no list of CPUs; write big, little, or one such",
        ),
        (("run", "--pin", "8000"), "--pin 8000: CPU 8000 is not there; name some of 0"),
        (("run", "--cool-below", "warm"), "--cool-below warm: 'warm' is no temperature; write 38C"),
        (("run", "--cool-below", "400C"), "--cool-below 400C: 400 °C is nothing to wait for"),
        (("run", "--until", "0%"), "--until 0%: 0 % is no width to wait for; write 0.1% to 50%"),
        (("run", "--until", "200%"), "--until 200%: 200 % is no width to wait for"),
        (("run", "--until", "2"), "--until 2: '2' is no percentage; write 2% or 0.5%"),
        (("run", "--limit", "10m"), "limit: 10m ends the adding of rounds, and none are added"),
        (("run", "--until", "2%", "--limit", "10"), "--limit 10: '10' is no time; write 90s, 10m"),
        (("run", "--until", "2%", "--rounds", "5"), "rounds: 5 are too few for until"),
        (("ab", "--set x=1", "--set x=2", "--until", "x"), "--until x: 'x' is no percentage"),
        (("run", "--file", "model.gguf", "--size", "1m"), "--file and --size: a file that is"),
        (("run", "--set", "frob=1"), "frob: no such parameter; there are engine, io,"),
        (("run", "--set", "egine=mmap"), "egine: no such parameter (did you mean 'engine'?)"),
        (("run", "--set", "engine=mmpa"), "engine: 'mmpa' is not one of its values (did you mean"),
        (("run", "--set", "engine"), "engine: has no value; write engine=VALUE or engine=V1,V2"),
        (("run", "--set", "engine="), "engine: '' is not one of its values"),
        (("run", "--set", "engine=mmap", "--set", "engine=pread"), "engine: is set twice"),
        (("run", "--set", "block=0"), "block: '0' is too little; write 512 or more"),
        (("run", "--set", "threads=0"), "threads: '0' is too little; write 1 or more"),
        (("run", "--set", "depth=1e3"), "depth: '1e3' is not a count; write a whole number"),
        (("run", "--set", "fixed=maybe"), "fixed: 'maybe' is neither on nor off"),
        (("run", "--set", "destination=dma-heap:../x"), "destination: 'dma-heap:../x' is not one"),
        (("run", "--set", "block=" + ",".join(map(str, range(512, 10600)))), "the product of the"),
        (("compare", "last", "last", "--threshold", "2"), "Invalid value for '--threshold'"),
        (("completion", "dos"), "Invalid value for"),
        (("show",), "no Run last in results/runs"),
        (("resume",), "no Run last in results/runs"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_told_in_one_line_and_nothing_is_made(
    loadstone: Command, model: Path, words: tuple[str, ...], complaint: str
) -> None:
    done = loadstone(*words)
    assert done.code == 2, done.err
    assert done.complaint.startswith(complaint)
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert list(loadstone.place.iterdir()) == [model]


@pytest.mark.parametrize(
    ("directory", "words"),
    [
        ("nosuch", "No such file or directory (ENOENT)"),
        ("model.gguf", "Not a directory (ENOTDIR)"),
    ],
)
@pytest.mark.parametrize("size", [(), ("--size", "1m")])
def test_a_directory_to_make_files_in_has_to_be_there(
    loadstone: Command, model: Path, directory: str, words: str, size: tuple[str, ...]
) -> None:
    done = loadstone("run", "--dir", directory, *size)
    assert done.code == 2
    path = model.parent / directory
    assert done.complaint == f"--dir {path}: {words}; name a directory that is there"
    assert list(loadstone.place.iterdir()) == [model]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            'workload = "model-load"\nruonds = 3\n',
            2,
            "ruonds: no such key (did you mean 'rounds'?)",
        ),
        ('workload = "model-load"\n[set]\nengin = "mmap"\n', 3, "engin: no such parameter"),
        ('workload = "model-load"\n\n[set]\nio = "fast"\n', 4, "io: 'fast' is not one of"),
        ('workload = "model-load"\n[[case]]\nblock = 0\n', 3, "block: '0' is too little"),
        ('workload = "model-load"\nrounds = 0\n', 2, "rounds: 0 is out of range"),
        ("rounds = 3\n", 1, "workload: is missing"),
        ("rounds = \n", 1, "is not TOML"),
    ],
)
def test_a_mistake_in_a_plan_is_told_with_file_line_and_key(
    loadstone: Command, text: str, line: int, words: str
) -> None:
    (loadstone.place / "my.toml").write_text(text)
    done = loadstone("run", "my.toml")
    assert done.code == 2
    assert done.complaint.startswith(f"my.toml:{line}: {words}")


PLAN = """
workload = "model-load"
file = "model.gguf"
rounds = 2
warmups = 0
seed = 5
[set]
engine = ["pread", "mmap"]
"""


@pytest.fixture
def plan(loadstone: Command, model: Path) -> Path:
    assert model.parent == loadstone.place
    path = loadstone.place / "my.toml"
    path.write_text(PLAN)
    return path


def test_plan_shows_the_order_of_the_run_and_touches_nothing(
    loadstone: Command, plan: Path, model: Path
) -> None:
    done = loadstone("plan", "my.toml")
    assert done.code == 0
    assert "2 Cases × 2 rounds + 0 warm-up, seed 5" in done.out
    planned = [line.split(": ")[1] for line in done.out.splitlines() if "  round " in line]
    assert len(planned) == 4
    assert sorted(loadstone.place.iterdir()) == sorted([plan, model])

    assert loadstone("run", "my.toml").code == 0
    (manifest,) = loadstone.results.glob("runs/*/manifest.json")
    labels = {
        case["id"]: case["label"] for case in json.loads(manifest.read_text())["plan"]["cases"]
    }
    assert [labels[json.loads(line)["case"]] for line in loadstone.trials()] == planned


@needs("strace")
def test_plan_opens_neither_the_model_nor_the_results(loadstone: Command, plan: Path) -> None:
    log = loadstone.place / "log"
    strace = ("strace", "-f", "-o", str(log), "-e", "trace=file,socket,clone,clone3,fork,vfork")
    assert loadstone("plan", str(plan), before=strace).code == 0
    calls = log.read_text()
    assert "my.toml" in calls
    assert "model.gguf" not in calls
    assert '"results' not in calls
    assert not re.search(r"\b(clone3?|v?fork|socket)\(", calls)
    assert not [c for c in calls.splitlines() if "O_CREAT" in c and str(loadstone.place) in c]


def input(loadstone: Command) -> tuple[int, int, str | None]:
    """Rounds, seed and file of the latest Run; names of two in one second do not tell."""
    manifests = loadstone.results.glob("runs/*/manifest.json")
    manifest = max(manifests, key=lambda path: path.stat().st_mtime_ns)
    plan = json.loads(manifest.read_text())["plan"]
    return plan["rounds"], plan["seed"], plan["subject"]["file"]


@pytest.mark.parametrize(
    ("words", "variables", "rounds", "seed"),
    [
        ((), {}, 2, 5),
        ((), {"LOADSTONE_ROUNDS": "3"}, 3, 5),
        (("--rounds", "1"), {"LOADSTONE_ROUNDS": "3", "LOADSTONE_SEED": "9"}, 1, 9),
        (("--seed", "0"), {"LOADSTONE_SEED": "9"}, 2, 0),
        ((), {"LOADSTONE_ROUNDS": ""}, 2, 5),
    ],
)
def test_the_command_line_goes_before_the_environment_and_that_before_the_plan(
    loadstone: Command,
    plan: Path,
    words: tuple[str, ...],
    variables: dict[str, str],
    rounds: int,
    seed: int,
) -> None:
    assert loadstone("run", plan, *words, env=variables).code == 0
    assert input(loadstone) == (rounds, seed, str(loadstone.place / "model.gguf"))


@pytest.mark.parametrize(
    ("words", "variables", "pinned"),
    [
        ((), {}, None),
        ((), {"LOADSTONE_PIN": "0"}, "0"),
        ((), {"LOADSTONE_PIN": ""}, None),
        (("--pin", "0"), {"LOADSTONE_PIN": "8000"}, "0"),
    ],
)
def test_a_run_is_pinned_as_it_was_asked_for_and_says_so(
    loadstone: Command,
    plan: Path,
    words: tuple[str, ...],
    variables: dict[str, str],
    pinned: str | None,
) -> None:
    done = loadstone("run", plan, "--rounds", "1", *words, env=variables)
    assert done.code == 0
    assert ("; pinned to CPU 0" in done.out) == (pinned is not None)
    manifest = json.loads(next(loadstone.results.glob("runs/*/manifest.json")).read_text())
    assert manifest["plan"]["conditions"].get("pin") == pinned
    assert manifest["environment"]["facts"]["cpu.pinned"] == (pinned or "no")
    assert manifest["environment"]["facts"]["clock.step_ns"] > 0


def test_a_plan_with_conditions_shows_them(loadstone: Command, plan: Path) -> None:
    plan.write_text(plan.read_text().replace("seed", 'pin = "0"\ncool-below = 40\nseed', 1))
    done = loadstone("plan", plan, "--cool-below", "38.5C")
    assert done.code == 0
    assert done.out.splitlines()[1:3] == ["pinned to CPUs 0", "each Trial when it is below 38.5 °C"]


def test_a_bad_variable_is_named(loadstone: Command, plan: Path) -> None:
    done = loadstone("run", plan, env={"LOADSTONE_ROUNDS": "many"})
    assert done.code == 2
    assert "'many' is not a valid integer (from LOADSTONE_ROUNDS)" in done.complaint


def test_the_results_variable_serves_every_verb(loadstone: Command, plan: Path) -> None:
    variables = {"LOADSTONE_RESULTS": "elsewhere"}
    assert loadstone("run", plan, env=variables).code == 0
    assert not loadstone.results.exists()
    assert loadstone("show", env=variables).code == 0
    assert loadstone.litter(loadstone.place / "elsewhere") == []


def test_a_size_on_the_command_line_goes_before_a_file_in_the_environment(
    loadstone: Command, plan: Path
) -> None:
    variables = {"LOADSTONE_FILE": "model.gguf"}
    assert loadstone("run", plan, "--size", "1m", env=variables).code == 0
    assert input(loadstone)[2] is None
    assert loadstone("run", *ONCE, "--set", "engine=pread", env=variables).code == 0
    assert input(loadstone)[2] == str(loadstone.place / "model.gguf")


def test_a_directory_to_make_files_in_does_not_put_the_plans_file_aside(
    loadstone: Command, plan: Path
) -> None:
    assert loadstone("run", plan, env={"LOADSTONE_DIR": "/var/tmp"}).code == 0
    assert input(loadstone)[2] == str(loadstone.place / "model.gguf")


CASE_KEYS = [
    *("id", "label", "workload", "parameters", "trials", "invalid", "failed", "skipped"),
    *("metrics", "evidence"),
]


@pytest.mark.parametrize("verb", ["run", "show"])
def test_json_of_run_and_show_is_the_contract_and_alone_on_stdout(
    loadstone: Command, model: Path, verb: str
) -> None:
    axes = ("--set", "engine=pread,mmap", "--set", "io=buffered,direct")
    done = loadstone("run", "--file", model, "--rounds", "2", *axes, "--json")
    assert done.code == 0
    if verb == "show":
        done = loadstone("show", "--json")
        assert done.err == ""
    printed = json.loads(done.out)
    (path,) = loadstone.results.glob("runs/*")
    assert list(printed) == ["run", "path", "clock", "cases", "until"]
    assert (printed["run"], printed["path"]) == (path.name, str(path))
    assert len(printed["cases"]) == 4
    for case in printed["cases"]:
        assert list(case) == CASE_KEYS
        assert (case["trials"], case["failed"]) in ((2, 0), (0, 0))
        assert (case["skipped"] is None) == (case["trials"] == 2)
        for metric in case["metrics"].values():
            assert list(metric) == ["unit", "better", "median", "low", "high"]
            assert metric["better"] in ("higher", "lower")
            assert metric["low"] <= metric["median"] <= metric["high"]
        assert all(isinstance(value, float) for value in case["evidence"].values())
    skipped = [case for case in printed["cases"] if case["skipped"]]
    assert [case["parameters"]["engine"] for case in skipped] == ["mmap"]


def test_json_of_compare_is_the_contract(loadstone: Command, model: Path) -> None:
    for _ in range(2):
        loadstone("run", "--file", model, "--rounds", "2", "--set", "engine=pread")
    done = loadstone("compare", "last~1", "last", "--json")
    assert (done.code, done.err) == (0, "")
    printed = json.loads(done.out)
    assert list(printed) == [
        *("base", "new", "clock", "cases", "incomplete", "notes", "design", "by", "controls")
    ]
    base, new = sorted(path.name for path in loadstone.results.glob("runs/*"))
    assert {printed["base"], printed["new"]} == {base, new}
    for case in printed["cases"]:
        assert list(case) == [
            *("label", "metric", "ratio", "low", "high", "verdict", "rounds_needed", "evidence"),
            *("published", "cause"),
        ]
        assert case["published"] == []
        assert case["verdict"] in ("faster", "slower", "same", "inconclusive")
        assert all(len(pair) == 2 for pair in case["evidence"].values())


def test_quiet_says_nothing_but_the_table(loadstone: Command, model: Path) -> None:
    done = loadstone("run", "--file", model, *ONCE, "--set", "engine=pread", "--quiet")
    assert (done.code, done.err) == (0, "")
    assert "pread direct → anon 1MiB" in done.out


def test_a_generated_model_is_made_where_asked_and_gone_afterwards(loadstone: Command) -> None:
    (loadstone.place / "there").mkdir()
    done = loadstone("run", "--size", "1m", "--dir", "there", *ONCE, "--set", "engine=pread")
    assert done.code == 0
    assert f"making 1 MiB of incompressible model in {loadstone.place}/there" in done.err
    assert list((loadstone.place / "there").iterdir()) == []


def test_nothing_measured_is_exit_code_3_with_every_reason(loadstone: Command, model: Path) -> None:
    axes = ("--set", "engine=mmap,uring", "--set", "io=direct", "--set", "depth=5000")
    done = loadstone("run", "--file", model, *ONCE, *axes)
    assert done.code == 3
    assert "there is no direct mapping" in done.out
    assert "depth 5000 is more than the core can do" in done.out
    assert "→ --set depth to a smaller value" in done.out


def test_the_users_file_is_left_as_it_was(loadstone: Command, model: Path) -> None:
    model.chmod(0o444)
    before, data = model.stat(), model.read_bytes()
    assert loadstone("run", "--file", model, *ONCE).code == 0
    after = model.stat()
    assert (after.st_mtime_ns, after.st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)
    assert model.read_bytes() == data
    assert len(data) == 2 * MIB
