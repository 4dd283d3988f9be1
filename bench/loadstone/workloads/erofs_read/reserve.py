"""The pages that EROFS keeps for when memory is short: a parameter that loading the module sets.

Source: ``z_erofs_rsv_nrpages``, fs/erofs/zutil.c, since Linux 6.10.
"""

from collections.abc import Mapping, Sequence

from loadstone.core.explain import skipped_by
from loadstone.errors import CannotMeasureError
from loadstone.model import Case, Finding
from loadstone.provision.kernel_module import KernelModule

_PARAMETER = "reserved_pages"


class Reserve:
    """How many pages EROFS has in reserve.

    Args:
        refusals: why it cannot have as many, by their count.
    """

    def __init__(self, module: KernelModule, refusals: Mapping[int, Finding]) -> None:
        self._module = module
        self._refusals = refusals

    @staticmethod
    def tried(module: KernelModule, cases: Sequence[Case]) -> "Reserve":
        """After each count that the Cases ask for was tried."""
        refusals: dict[int, Finding] = {}
        for pages in dict.fromkeys(map(_pages_of, cases)):
            try:
                _set(module, pages)
            except CannotMeasureError as error:
                refusals[pages] = skipped_by(error)
        return Reserve(module, refusals)

    def skip_reason(self, case: Case) -> Finding | None:
        """Why EROFS cannot have as many as a Case asks for; None where it can."""
        return self._refusals.get(_pages_of(case))

    def set(self, case: Case) -> None:
        """Have EROFS loaded with as many as a Case asks for, while nothing of ours is mounted.

        Raises:
            CannotMeasureError: somebody has mounted one meanwhile.
        """
        _set(self._module, _pages_of(case))


def _pages_of(case: Case) -> int:
    """None in Cases of before there was the parameter."""
    return int(case.parameters.get(_PARAMETER, 0))


def _set(module: KernelModule, pages: int) -> None:
    """A kernel that knows no reserve has none."""
    if pages or module.has(_PARAMETER):
        module.set(_PARAMETER, str(pages))
