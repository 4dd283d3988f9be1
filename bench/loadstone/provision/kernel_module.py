"""A kernel module that is loaded with other parameters for a while, and put back at the end."""

import contextlib
from collections.abc import Iterator

from loadstone.errors import CannotMeasureError
from loadstone.provision.journal import Journal
from loadstone.provision.module_parameters import is_module, module_parameters, reload_module
from loadstone.provision.record import boot_id
from loadstone.provision.removers import MODULE


class KernelModule:
    """A module of this machine; it is loaded anew only where it has not what is asked for.

    Args:
        stack: puts it back when it closes.
    """

    def __init__(self, journal: Journal, name: str, stack: contextlib.ExitStack) -> None:
        self.name = name
        self._journal = journal
        self._stack = stack
        self._is_registered = False

    def has(self, parameter: str) -> bool:
        """Whether the module that is loaded, or built in, knows a parameter."""
        return parameter in module_parameters(self.name)

    def set(self, parameter: str, value: str) -> None:
        """Have the module loaded with a parameter, and see that it has it.

        Raises:
            CannotMeasureError: it has no such parameter, is built in, or is in use.
            RunError: the journal cannot be written.
        """
        found = module_parameters(self.name)
        if found.get(parameter) == value:
            return
        if parameter not in found:
            raise CannotMeasureError(
                f"{self.name} of this kernel has no parameter {parameter}: it would load, and "
                "ignore it",
                remedy="take a later kernel: `loadstone lab run --kernel trixie-backports` has one",
            )
        if not is_module(self.name):
            raise CannotMeasureError(
                f"{self.name} is built into this kernel, with {parameter}={found[parameter]}: "
                "only a module can be loaded anew",
                remedy=f"boot with {self.name}.{parameter}={value} on the kernel's command line, "
                "or take a kernel that has it as a module, as `loadstone lab run` does",
            )
        self._register()
        reload_module(self.name, {**found, parameter: value})
        self._require(parameter, value)

    def _require(self, parameter: str, value: str) -> None:
        has = module_parameters(self.name).get(parameter)
        if has != value:
            raise CannotMeasureError(
                f"{self.name} was loaded with {parameter}={value}, and has {has}",
                remedy="see dmesg for why; /etc/modprobe.d may name another",
            )

    def _register(self) -> None:
        """Write down what it has now, once, before that is changed."""
        if self._is_registered:
            return
        values = (f"{key}={value}" for key, value in module_parameters(self.name).items())
        detail = " ".join((boot_id(), *values))
        self._stack.enter_context(self._journal.registered(MODULE, self.name, detail))
        self._is_registered = True


@contextlib.contextmanager
def kernel_module(journal: Journal, name: str) -> Iterator[KernelModule]:
    """A module that has at the end what it has now.

    Args:
        name: one of ``RELOADED``.

    Raises:
        RunError: at the end, where it is in use and cannot be put back.
    """
    with contextlib.ExitStack() as stack:
        yield KernelModule(journal, name, stack)
