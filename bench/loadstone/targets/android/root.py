"""Who carries out commands on a device: adbd's own user, or root where that is to be had."""

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
    """How a command is carried out as that user: words before it; for ``su -c`` it is one word."""

    prefix: tuple[str, ...] = ()
    takes_one_word: bool = False

    def words(self, *words: str) -> tuple[str, ...]:
        """The words of a command as that user."""
        return (*self.prefix, shlex.join(words)) if self.takes_one_word else (*self.prefix, *words)


_ADBD = User()
# Magisk's and busybox's; that of Android's own engineering builds, which knows no -c.
_SUS = (
    User(prefix=("su", "-c"), takes_one_word=True),
    User(prefix=("su", "0")),
)


def user_of(bridge: Bridge, root: Root) -> User:
    """The user to be, as it was asked for.

    Raises:
        CannotMeasureError: root was asked for in a way that this device does not have.
    """
    match root:
        case Root.ADB:
            return _restarted_as_root(bridge)
        case Root.SU:
            return _su(bridge) or _refused(bridge, "no su that would make root of adbd's user")
        case Root.AUTO if not _is_root(bridge, _ADBD):
            return _su(bridge) or _ADBD
        case _:
            return _ADBD


def _restarted_as_root(bridge: Bridge) -> User:
    if _is_root(bridge, _ADBD):
        return _ADBD
    said = bridge.restart_as_root(_RESTART_LIMIT_S)
    return _ADBD if _is_root(bridge, _ADBD) else _refused(bridge, f"adb root: {said.last_words}")


def _su(bridge: Bridge) -> User | None:
    return next((user for user in _SUS if _is_root(bridge, user)), None)


def _is_root(bridge: Bridge, user: User) -> bool:
    try:
        said = bridge.shell(*user.words("id", "-u"), limit_s=_SU_LIMIT_S)
    except TargetLostError:
        raise
    except TargetError:
        # It waits for somebody who does not answer.
        return False
    return said.code == 0 and said.out.strip() == "0"


def _refused(bridge: Bridge, why: str) -> User:
    raise CannotMeasureError(
        f"adb:{printable(bridge.serial)}: no root here: {why}",
        remedy="leave out --root: what can be measured without is, and the rest is skipped",
    )
