"""Words in pictures."""

from loadstone.report.pictures.svg import shortened, width_px


def test_words_that_have_just_the_room_that_they_need_are_whole() -> None:
    for length in range(4, 200):
        words = "x" * length
        # As where the room is a column's, less its gap.
        assert shortened(words, width_px(words) + 8 - 8) == words


def test_words_without_room_end_in_dots() -> None:
    assert shortened("x" * 40, width_px("x" * 20)) == "x" * 19 + "…"
