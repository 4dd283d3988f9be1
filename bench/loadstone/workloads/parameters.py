"""What every Workload does with its parameters: fix them, name them in a label, hand them on."""

from collections.abc import Collection, Mapping, Sequence

from loadstone.model import Case, Companion, Input, Parameter, Value

NO_VALUES: Mapping[str, Value] = {}

NO_COMPANION: Companion | None = None
"""The ``companion`` of a Workload whose Cases stand alone."""

NO_PARAMETERS: frozenset[str] = frozenset()
"""The ``set_up_parameters`` of a Workload whose operation has an option for each."""


def complete(
    parameters: Sequence[Parameter],
    chosen: Mapping[str, Value],
    dependent: Mapping[str, Value] = NO_VALUES,
) -> dict[str, Value]:
    """A value for every parameter: the chosen one, or the default.

    Args:
        dependent: for each parameter without a default of its own, the one that follows from
            the others.
    """
    values: dict[str, Value] = {}
    for one in parameters:
        default = dependent[one.name] if one.default is None else one.default
        values[one.name] = chosen.get(one.name, default)
    return values


def drop_meaningless(
    values: dict[str, Value],
    chosen: Mapping[str, Value],
    fallbacks: Mapping[str, Value],
    where: str,
) -> list[str]:
    """Set parameters that have no meaning with the others to a fallback.

    Args:
        values: of all parameters; changed.
        fallbacks: by the names of those that have no meaning.
        where: they have none, as in ``for engine pread``.

    Returns:
        A sentence for each choice that was dropped.
    """
    values.update(fallbacks)
    return [
        f"{name} has no meaning {where}: left out there"
        for name, fallback in fallbacks.items()
        if chosen.get(name, fallback) != fallback
    ]


def words_of_changed(
    parameters: Sequence[Parameter], values: Mapping[str, Value], words: Mapping[str, str]
) -> list[str]:
    """For a label: the words of those parameters that are not at their default.

    Args:
        words: by the parameter's name, in the order of the label.
    """
    defaults = {one.name: one.default for one in parameters}
    return [text for name, text in words.items() if values[name] != defaults[name]]


def core_options(values: Mapping[str, Value], set_up: Collection[str] = ()) -> dict[str, str]:
    """The options of the Job that times a Case: its parameters as the core reads them.

    Args:
        set_up: parameters of what is set up before, which the core has no option for.
    """
    return {name: _core_text(value) for name, value in values.items() if name not in set_up}


def no_devices(input: Input, cases: Sequence[Case]) -> tuple[int, ...]:
    """The devices of a Workload that works in a directory."""
    del input, cases
    return ()


def _core_text(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
