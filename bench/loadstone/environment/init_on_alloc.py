"""Whether the kernel zeroes every page that it allocates: a cost in every load and every fault.

Source: Documentation/admin-guide/kernel-parameters.txt, security/Kconfig.hardening.
"""

import re

COMMAND_LINE = "/proc/cmdline"
CONFIG = "/proc/config.gz"

_PARAMETER = re.compile(r"(?:^|\s)init_on_alloc=(\S+)")
_DEFAULT = re.compile(
    r"^(?:CONFIG_INIT_ON_ALLOC_DEFAULT_ON=(y)|# CONFIG_INIT_ON_ALLOC_DEFAULT_ON is not set)$",
    re.MULTILINE,
)
# What kstrtobool takes for yes and for no, by how it begins.
_YES = re.compile(r"[yYtT1]|[oO][nN]")
_NO = re.compile(r"[nNfF0]|[oO][fF]")


def init_on_alloc(command_line: str | None, config: str | None) -> bool | None:
    """By the boot parameter, or else by the kernel's default; None where that is not known.

    Args:
        command_line: the kernel's; where it cannot be read, nothing is known.
        config: the text of the kernel's configuration.
    """
    if command_line is None:
        return None
    asked: bool | None = None
    for value in _PARAMETER.findall(command_line):
        asked = True if _YES.match(value) else False if _NO.match(value) else asked
    default = _DEFAULT.search(config or "")
    if asked is not None or default is None:
        return asked
    return default[1] is not None
