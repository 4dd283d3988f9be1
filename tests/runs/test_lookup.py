"""Which Run a text names."""

from pathlib import Path

import pytest

from loadstone.errors import RunError
from loadstone.runs.lookup import find
from loadstone.runs.store import load
from runs.stored_runs import named


def test_a_run_is_found_by_path_id_prefix_and_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = named(tmp_path, "20260101T000000Z-local-a-0000")
    new = named(tmp_path, "20260102T000000Z-local-a-0000")
    longer = named(tmp_path, "20260102T000000Z-local-a-0000-copy", 9e9)
    assert find(tmp_path, str(old)) == old
    assert find(tmp_path, old.name) == old
    assert find(tmp_path, "20260101") == old
    assert find(tmp_path, new.name) == new
    assert find(tmp_path, "last") == longer
    assert find(tmp_path, "last~0") == longer
    assert find(tmp_path, "last~2") == old
    monkeypatch.chdir(tmp_path / "runs")
    assert load(find(tmp_path / "none", old.name)).path == old
    monkeypatch.chdir(old)
    assert load(find(tmp_path / "none", ".")).path == old


def test_an_ambiguous_prefix_lists_at_most_five_runs(tmp_path: Path) -> None:
    for number in range(7):
        named(tmp_path, f"2026010{number + 1}T000000Z-local-\x1b[31m-{number}")
    with pytest.raises(RunError, match="fits 7 Runs") as caught:
        find(tmp_path, "2026")
    assert str(caught.value).count("local") == 5
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "none", "last~9", "last~-1", "last~²", "..x", "x" * 5000])
def test_a_run_that_is_not_there_is_told_with_where_it_was_looked_for(
    tmp_path: Path, text: str
) -> None:
    named(tmp_path, "20260101T000000Z-local-a-0000")
    with pytest.raises(RunError, match=f"no Run .* in {tmp_path}/runs .*--results"):
        find(tmp_path, text)


@pytest.mark.parametrize("text", ["no/such", "./x", "/dev/null", "/" + "x" * 5000])
def test_a_path_that_is_no_directory_is_told_as_such(tmp_path: Path, text: str) -> None:
    with pytest.raises(RunError, match="cannot read"):
        find(tmp_path, text)
