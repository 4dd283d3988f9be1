"""Whether a kernel zeroes what it allocates, by its command line and its configuration."""

import pytest

from loadstone.environment.init_on_alloc import init_on_alloc

ON = "CONFIG_X=y\nCONFIG_INIT_ON_ALLOC_DEFAULT_ON=y\n"
OFF = "# CONFIG_INIT_ON_ALLOC_DEFAULT_ON is not set\n"


@pytest.mark.parametrize(
    ("command_line", "config", "expected"),
    [
        ("quiet", ON, True),
        ("quiet", OFF, False),
        ("quiet init_on_alloc=0", ON, False),
        ("init_on_alloc=on quiet", OFF, True),
        ("init_on_alloc=1 init_on_alloc=off", None, False),
        ("no_init_on_alloc=1 init_on_alloc=perhaps", OFF, False),
        ("quiet", None, None),
        ("quiet", "CONFIG_X=y\n", None),
        (None, ON, None),
    ],
)
def test_the_boot_parameter_counts_before_the_default(
    command_line: str | None, config: str | None, expected: bool | None
) -> None:
    assert init_on_alloc(command_line, config) is expected
