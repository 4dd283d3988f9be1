"""The nouns are frozen, strict about what they read, and the same on disk as they always were."""

import msgspec
import pytest

from loadstone.model import Case, Input, Outcome, Plan


def case_of(**parameters: int | str) -> Case:
    return Case.of("model-load", "a label", parameters)


def test_a_case_is_the_same_whatever_the_order_of_its_parameters_and_its_label() -> None:
    one, other = case_of(engine="pread", block=4096), case_of(block=4096, engine="pread")
    assert one.id == other.id == Case.of("model-load", "", {"engine": "pread", "block": 4096}).id
    assert len({one.id, case_of(engine="pread").id, case_of(engine="pread", block=1).id}) == 3


def test_the_id_of_a_case_is_what_it_was_in_runs_on_disk() -> None:
    assert case_of(engine="pread", block=4096).id == "23b120d8"


def test_a_case_keeps_its_parameters_when_those_that_it_was_made_of_change() -> None:
    parameters: dict[str, int | str] = {"engine": "pread"}
    case = Case.of("model-load", "", parameters)
    parameters["engine"] = "uring"
    assert case.parameters == {"engine": "pread"}


def test_a_noun_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        case_of().label = "another"  # type: ignore[misc]  # that is what is tested


def test_a_field_that_is_not_known_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `sped`"):
        msgspec.json.decode(b'{"sped": 1}', type=Input)


def test_fields_that_were_renamed_have_their_old_keys_on_disk_and_on_the_wire() -> None:
    plan = Plan(name="p", workload="w", cases=(), rounds=1, warmups=0, seed=1)
    assert "subject" in msgspec.to_builtins(plan)
    outcome = msgspec.json.decode(b'{"death": "killed", "lost": true}', type=Outcome)
    assert (outcome.crash, outcome.target_lost) == ("killed", True)
