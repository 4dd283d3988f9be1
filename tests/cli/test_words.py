"""Options given twice, and a ``~`` that no shell has expanded: refused before anything is done."""

from pathlib import Path

import click
import pytest

from commands import Command, write_model
from loadstone.cli import cli
from loadstone.errors import ExitCode, UsageError
from loadstone.home import require_no_tilde
from loadstone.lab.cache import cache_directory
from loadstone.plan.file import read_plan_file
from loadstone.plan.request import Request, make_plan
from verbs import VERBS

SINGLE = [
    (words, option)
    for words, command in VERBS.items()
    for option in command.params
    if isinstance(option, click.Option) and not option.multiple and not option.is_flag
]


def run(*words: str) -> None:
    cli.main(args=list(words), standalone_mode=False)


def test_there_are_options_to_be_tested() -> None:
    assert len(VERBS) > 15
    assert {"--file", "--results", "--format", "--keyring", "--storage"} <= {
        name for _, option in SINGLE for name in option.opts
    }


@pytest.mark.parametrize(
    ("words", "option"),
    SINGLE,
    ids=lambda one: "-".join(one) if isinstance(one, tuple) else one.name,
)
def test_an_option_of_which_one_counts_is_refused_when_it_is_given_twice(
    words: tuple[str, ...], option: click.Option
) -> None:
    with pytest.raises(UsageError, match="is given twice; give it once"):
        run(*words, f"{option.opts[0]}=1", option.opts[-1], "1")


def test_every_option_counts_once_or_says_that_it_is_repeatable_or_is_a_flag() -> None:
    for words, command in VERBS.items():
        for option in command.params:
            if not isinstance(option, click.Option):
                continue
            if option.is_flag:
                # Given twice it says the same; one with a --no-… would not.
                assert not option.secondary_opts, words
            elif option.multiple:
                said = f"{option.help} "
                assert "repeat" in said or "again" in said, (words, option.opts)


def test_two_files_are_refused_and_nothing_is_made(loadstone: Command) -> None:
    for name in "ab":
        write_model(loadstone.place / name, 4096)
    done = loadstone("run", "--file", "a", "--file=b")
    assert (done.code, done.complaint) == (ExitCode.USAGE, "--file is given twice; give it once")
    assert not loadstone.results.exists()


def test_a_word_that_looks_like_an_option_behind_dashes_is_no_option() -> None:
    with pytest.raises(click.UsageError, match="unexpected extra argument"):
        run("show", "--results=a", "--", "--results", "b")


def test_help_is_given_whatever_else_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    run("run", "--file=a", "--file=b", "--help")
    assert "Usage: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("run", "--file=~/x"), "--file ~/x"),
        (("run", "--dir=~root/x"), "--dir ~root/x"),
        (("run", "--device=~/d", "--erase=~/d"), "--device ~/d"),
        (("run", "--results=~"), "--results ~"),
        (("plan", "~/plan.toml"), "~/plan.toml"),
        (("show", "~/runs/a"), "~/runs/a"),
        (("compare", "a", "~/b"), "~/b"),
        (("report", "--output=~/x.html"), "--output ~/x.html"),
        (("report", "--reference=~/x.toml"), "--reference ~/x.toml"),
        (("lab", "run", "--kernel=~/vmlinuz"), "--kernel ~/vmlinuz"),
        (("lab", "run", "--kernel=sid", "--storage=~/x.toml"), "--storage ~/x.toml"),
        (("lab", "kernels", "fetch", "sid", "--keyring=~/k.gpg"), "--keyring ~/k.gpg"),
    ],
)
def test_a_tilde_that_no_shell_expanded_is_told(words: tuple[str, ...], what: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(*words)
    assert caught.value.what == f"{what}: no shell has expanded the ~"
    assert caught.value.remedy is not None
    assert ("a blank for the =" in caught.value.remedy) == what.startswith("--")


@pytest.mark.parametrize("name", ["FILE", "DIR", "RESULTS"])
def test_likewise_of_a_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"LOADSTONE_{name}", "~/x")
    with pytest.raises(UsageError, match=f"^LOADSTONE_{name} ~/x: no shell has expanded the ~"):
        run("run")


def test_likewise_of_the_cache_of_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADSTONE_CACHE", "~/x")
    with pytest.raises(UsageError, match=r"^LOADSTONE_CACHE ~/x: no shell"):
        cache_directory()


def test_likewise_of_a_plan_file_with_its_line(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('workload = "model-load"\nfile = "~/model.gguf"\n')
    with pytest.raises(UsageError, match=r"plan\.toml:2: file ~/model\.gguf: no shell"):
        read_plan_file(plan)


def test_likewise_of_a_call() -> None:
    with pytest.raises(UsageError, match="--dir ~/x: no shell"):
        make_plan(Request(directory="~/x"))


@pytest.mark.parametrize("path", ["./~/x", "a~", "last~1", "/~/x", "~$doc.gguf", "x/~y", ""])
def test_a_tilde_that_is_part_of_a_name_is_no_home(path: str) -> None:
    require_no_tilde("--file", path)
