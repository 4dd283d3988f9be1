"""The user that runs commands on a device: adbd's own, or root where that is available."""

import shlex

from loadstone.errors import CannotMeasureError, TargetError, TargetLostError
from loadstone.model import Noun
from loadstone.targets.access import Root
from loadstone.targets.android.bridge import Bridge
from loadstone.text import printable

# A manager of su may ask on the screen first.
_SU_LIMIT_S = 15.0
_RESTART_LIMIT_S = 60.0


class User(Noun, frozen=True, kw_only=True):
    """How to run a command as a user: a prefix; behind ``su -c`` the command is one word."""

    prefix: tuple[str, ...] = ()
    takes_one_word: bool = False

    def words(self, *words: str) -> tuple[str, ...]:
        """The words that run a command as that user."""
        return (*self.prefix, shlex.join(words)) if self.takes_one_word else (*self.prefix, *words)


_ADBD = User()
# Magisk's and busybox's; that of Android's own engineering builds, which knows no -c.
_SUS = (
    User(prefix=("su", "-c"), takes_one_word=True),
    User(prefix=("su", "0")),
)


def resolve_user(bridge: Bridge, root: Root) -> User:
    """The user that ``--root`` asks for.

    Raises:
        CannotMeasureError: this device does not give root in the way that was asked for.
    """
    match root:
        case Root.ADB:
            return _restart_as_root(bridge)
        case Root.SU:
            return _find_su(bridge) or _no_root(bridge, "adbd's user becomes root by no su")
        case Root.AUTO if not _is_root(bridge, _ADBD):
            return _find_su(bridge) or _ADBD
        case _:
            return _ADBD


def _restart_as_root(bridge: Bridge) -> User:
    if _is_root(bridge, _ADBD):
        return _ADBD
    result = bridge.restart_as_root(_RESTART_LIMIT_S)
    return _ADBD if _is_root(bridge, _ADBD) else _no_root(bridge, f"adb root: {result.message}")


def _find_su(bridge: Bridge) -> User | None:
    return next((user for user in _SUS if _is_root(bridge, user)), None)


def _is_root(bridge: Bridge, user: User) -> bool:
    try:
        result = bridge.shell(*user.words("id", "-u"), limit_s=_SU_LIMIT_S)
    except TargetLostError:
        raise
    except TargetError:
        # su asks on the screen, and nobody answers.
        return False
    return result.code == 0 and result.out.strip() == "0"


def _no_root(bridge: Bridge, why: str) -> User:
    raise CannotMeasureError(
        f"adb:{printable(bridge.serial)}: no root here: {why}",
        remedy="leave out --root: what can be measured without is, and the rest is skipped",
    )
