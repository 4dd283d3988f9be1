"""What Workloads that set something up for each way of their Cases have in common."""

import contextlib
from contextlib import AbstractContextManager
from typing import TypeVar

from loadstone.core.explain import skipped_by
from loadstone.errors import CannotMeasureError
from loadstone.model import Finding

_Made = TypeVar("_Made")


def entered_or_skipped(
    stack: contextlib.ExitStack, context: AbstractContextManager[_Made]
) -> _Made | Finding:
    """What a context yields, entered on the stack; where that cannot be made, a skip says why."""
    try:
        return stack.enter_context(context)
    except CannotMeasureError as error:
        return skipped_by(error)
