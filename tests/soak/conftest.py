"""How much of the soak is run, and at its end what it did, in figures."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest

_PROPERTY = "soak"


@pytest.fixture(scope="session")
def soak_seed(request: pytest.FixtureRequest) -> int:
    """What all that is random follows from; another each time, if none is given."""
    given = request.config.getoption("--soak-seed")
    return random.SystemRandom().randrange(1 << 32) if given is None else int(given)


@pytest.fixture
def figures(request: pytest.FixtureRequest, soak_seed: int) -> Iterator[Counter[str]]:
    """Counts that are printed when all tests have ended, those of a function's tests as one sum."""
    counts = Counter({f"tests with --soak-seed={soak_seed}": 1})
    yield counts
    # pytest takes these to the process that prints.
    request.node.user_properties.append((_PROPERTY, dict(counts)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    sums: dict[str, Counter[str]] = {}
    # A test that passes has its end among those without a name.
    for report in terminalreporter.getreports(""):
        for key, counts in report.user_properties:
            if key == _PROPERTY and report.when == "teardown":
                sums.setdefault(report.nodeid.partition("[")[0], Counter()).update(counts)
    for name, counts in sums.items():
        terminalreporter.section(name)
        for what, count in sorted(counts.items()):
            terminalreporter.write_line(f"{count:>10} {what}")
