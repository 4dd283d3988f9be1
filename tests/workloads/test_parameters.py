"""What every Workload does with its parameters."""

from loadstone.model import Kind, Parameter, Value
from loadstone.workloads.parameters import (
    complete,
    core_options,
    drop_meaningless,
    words_of_changed,
)

SIZE = Parameter(name="size", kind=Kind.SIZE, help="", default=4096)
IO = Parameter(name="io", kind=Kind.CHOICE, help="", choices=("buffered", "direct"))
FIXED = Parameter(name="fixed", kind=Kind.FLAG, help="", default=False)
PARAMETERS = (SIZE, IO, FIXED)


def test_a_choice_goes_before_a_default_and_that_may_depend_on_the_others() -> None:
    assert complete(PARAMETERS, {"size": 1}, {"io": "direct"}) == {
        "size": 1,
        "io": "direct",
        "fixed": False,
    }
    assert complete(PARAMETERS, {"io": "buffered"}, {"io": "direct"})["io"] == "buffered"


def test_only_a_choice_that_was_changed_is_remarked_on() -> None:
    fallbacks: dict[str, Value] = {"size": 8, "fixed": False}
    for chosen, remarks in (
        ({"size": 4096}, ["size has no meaning for io direct: left out there"]),
        ({"size": 8}, []),
        ({}, []),
    ):
        values = complete(PARAMETERS, chosen, {"io": "direct"})
        assert drop_meaningless(values, chosen, fallbacks, "for io direct") == remarks
        assert values == {"size": 8, "io": "direct", "fixed": False}


def test_a_label_has_words_for_what_is_not_at_its_default() -> None:
    words = {"fixed": "fixed", "size": "small"}
    values: dict[str, Value] = {"size": 1, "io": "direct", "fixed": True}
    assert words_of_changed(PARAMETERS, values, words) == ["fixed", "small"]
    assert words_of_changed(PARAMETERS, {**values, "size": 4096}, words) == ["fixed"]


def test_the_core_is_told_what_is_not_set_up_before() -> None:
    values: dict[str, Value] = {"size": 4096, "io": "direct", "fixed": True}
    assert core_options(values, {"io"}) == {"size": "4096", "fixed": "on"}
    assert core_options({"fixed": False}) == {"fixed": "off"}
