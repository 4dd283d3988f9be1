"""What the pages name is there: links, files, functions, commands, options, keys, exit codes."""

import re
import tomllib
from pathlib import Path

import click
import pytest

import pages
from loadstone.analysis.thresholds import read_thresholds
from loadstone.errors import ExitCode, UsageError
from loadstone.plan.parameters import parse_axes
from loadstone.plan.request import DEFAULT_WORKLOAD, Request, make_plan
from loadstone.provision.simulated.profile import read_profiles
from loadstone.workloads import settable_parameters, workload
from verbs import VERBS

COMMANDS = pages.ROOT / "docs" / "commands.md"
PLANS = pages.ROOT / "docs" / "plans.md"
MOST_LINES = 120
# Between them they have every key of a plan file.
SAMPLES = ("every-key.toml", "knobs.toml", "on-a-file.toml", "until.toml")
# Options of other programs that are named without them.
FOREIGN = {"--ioengine", "--iomem_align", "--benchmark-disable", "--since"}
# Variables that are no option's.
OTHER_VARIABLES = {"LOADSTONE_CACHE", "LOADSTONE_MODEL", "LOADSTONE_READY_FD"}

each_page = pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)


def options_of(command: click.Command) -> set[str]:
    parameters = command.get_params(click.Context(command))
    return {option for parameter in parameters for option in parameter.opts}


ALL_OPTIONS = {"--version"}.union(*map(options_of, VERBS.values()))


def split_verb(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words begin with, and those behind it."""
    length = max((n for n in (1, 2, 3) if tuple(words[:n]) in VERBS), default=0)
    assert length, f"loadstone has no verb {words[0]}"
    return VERBS[tuple(words[:length])], words[length:]


def check_command(words: list[str]) -> None:
    """Have click take words apart as it would for the program itself.

    Raises:
        UsageError: an axis is not the workload's.
        click.ClickException: an option is none, or lacks its value.
        AssertionError: there are more words than the command takes.
    """
    command, rest = split_verb(words)
    context = click.Context(command)
    values, too_many, _ = command.make_parser(context).parse_args(rest)
    assert isinstance(command, click.Group) or not too_many, too_many
    for parameter in command.params:
        # An argument that is not given has no value.
        value = values.get(parameter.name or "")
        if isinstance(value, str | list | tuple) and parameter.name != "axes":
            parameter.type_cast_value(context, value)
    if "axes" in values:
        parse_axes(settable_parameters(workload(workload_of(values["what"]))), values["axes"])


def workload_of(what: object) -> str:
    """What a command names by itself or by a plan file of the repository; else the default."""
    if not isinstance(what, str):
        return DEFAULT_WORKLOAD
    if not what.endswith(".toml"):
        return what
    plan = pages.ROOT / what
    known = tomllib.loads(plan.read_text()) if plan.exists() else {}
    return str(known.get("workload", DEFAULT_WORKLOAD))


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (pages.ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_readme_is_short() -> None:
    lines = (pages.ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= MOST_LINES, "move something to docs/"


@each_page
def test_a_link_leads_to_a_file_and_its_anchor_to_a_heading(page: Path) -> None:
    for path, anchor in pages.links(page):
        assert path.exists(), path
        assert not anchor or anchor in pages.anchors(path), f"{path}#{anchor}"


def test_the_index_links_to_every_page() -> None:
    linked = {path for path, _ in pages.links(pages.INDEX)}
    assert {page for page in pages.PAGES if page.parent == pages.INDEX.parent} - linked == {
        pages.INDEX
    }


@each_page
def test_files_that_a_page_names_are_there_and_define_what_it_says(page: Path) -> None:
    missing = [place for place in pages.places(page) if not place.is_there()]
    assert not missing


@each_page
def test_a_command_that_a_page_shows_is_one_of_the_program(page: Path) -> None:
    for words in pages.commands(page, "loadstone"):
        try:
            check_command(words)
        except (click.ClickException, UsageError) as error:
            pytest.fail(f"{words}: {error}")


@each_page
def test_a_verb_and_an_option_that_a_page_mentions_are_the_programs(page: Path) -> None:
    for words in pages.mentions(page, "loadstone"):
        if not words[0].startswith(("VERB", "…", "--")):
            command, rest = split_verb([word.rstrip("…") for word in words])
            said = {word.partition("=")[0] for word in rest if word.startswith("--")}
            assert said <= options_of(command), words
    alone = {code.split()[0].partition("=")[0] for code in pages.codes(page) if code[:2] == "--"}
    assert alone <= ALL_OPTIONS | FOREIGN


@each_page
def test_a_target_of_make_that_a_page_names_is_in_the_makefile(page: Path) -> None:
    said = [*pages.commands(page, "make"), *pages.mentions(page, "make")]
    assert {words[0] for words in said} <= make_targets()


@each_page
def test_toml_that_a_page_shows_is_what_it_says(page: Path, tmp_path: Path) -> None:
    """A plan, thresholds, or simulated storage."""
    for number, text in enumerate(pages.blocks(page, "toml")):
        path = tmp_path / f"example-{number}.toml"
        path.write_text(text)
        if "workload" in tomllib.loads(text):
            assert make_plan(Request(what=str(path)))[0].cases
        elif "--thresholds" in text:
            assert read_thresholds(path)
        else:
            assert read_profiles(path)


def test_every_verb_is_in_the_table_of_commands_and_nothing_else() -> None:
    said: set[tuple[str, ...]] = set()
    for cell, *_ in pages.rows(COMMANDS, "The commands"):
        for code in re.findall("`([^`]+)`", cell):
            said.add(tuple(word for word in code.split() if word.islower()))
    top = {names for names in VERBS if len(names) == 1} - {("lab",)}
    assert said == top | {names for names in VERBS if len(names) == 2 and names[0] == "lab"}


def test_the_exit_codes_are_those_of_the_program() -> None:
    said = [int(row[0]) for row in pages.rows(COMMANDS, "Exit codes")]
    assert said == [int(code) for code in ExitCode]


def test_every_key_of_a_plan_file_is_in_the_table_of_keys() -> None:
    said = {row[0].strip("`[]") for row in pages.rows(PLANS, "Every key")}
    samples = [pages.ROOT / "tests" / "data" / "plans" / name for name in SAMPLES]
    assert said == {key for sample in samples for key in tomllib.loads(sample.read_text())}


def test_every_variable_is_among_those_of_the_page_on_plans() -> None:
    said = {
        f"LOADSTONE{name}" for name in re.findall(r"`(?:LOADSTONE)?(_[A-Z_]+)`", PLANS.read_text())
    }
    parameters = (parameter for command in VERBS.values() for parameter in command.params)
    assert said - OTHER_VARIABLES == {str(one.envvar) for one in parameters if one.envvar}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("$ loadstone rum", "no verb rum"),
        ("$ loadstone run --rouns 3", "No such option"),
        ("$ loadstone run --rounds", "requires an argument"),
        ("$ loadstone show last last~1", "last~1"),
        ("$ loadstone run --set engin=pread", "engin"),
        ("# LOADSTONE_SEED=1 loadstone run dm-flush --set size=4k", "size"),
        ("$ loadstone lab run --kernel bookworm --clock moon", "moon"),
    ],
)
def test_a_wrong_command_would_be_found(text: str, problem: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```console\n{text}\n```\n")
    (words,) = pages.commands(page, "loadstone")
    with pytest.raises((AssertionError, click.ClickException, UsageError)) as found:
        check_command(words)
    assert problem in str(getattr(found.value, "message", found.value))


def test_a_place_that_is_gone_would_be_found() -> None:
    assert pages.Place("bench/loadstone/runs/trial.py", "run_trial").is_there()
    assert pages.Place("bench/loadstone/workloads/NAME/errors.py", "").is_there()
    assert pages.Place("native/src/core/operation.c", "ls_job_run").is_there()
    assert not pages.Place("bench/loadstone/runs/trial.py", "run_tria").is_there()
    assert not pages.Place("bench/loadstone/runs/runner.py", "run_trial").is_there()
    assert not pages.Place("native/src/load/op_model_load.c", "ls_region_enter").is_there()
    assert not pages.Place("bench/loadstone/trial.py", "").is_there()


def test_anchors_are_those_of_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n## What it costs: 4 KiB, `fsync`\n## Adding …\n## Adding …\n")
    assert pages.anchors(page) == {"a-page", "what-it-costs-4-kib-fsync", "adding-", "adding--1"}
