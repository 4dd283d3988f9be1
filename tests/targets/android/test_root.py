"""The user that commands run as: adbd's own, or root in the way that was asked for."""

import pytest

from loadstone.errors import CannotMeasureError, TargetError, TargetLostError
from loadstone.targets.access import Root
from loadstone.targets.android.bridge import AdbResult, Bridge
from loadstone.targets.android.root import User, resolve_user

ADBD = User()
MAGISK = User(prefix=("su", "-c"), takes_one_word=True)
ENGINEERING = User(prefix=("su", "0"))


class FakeBridge(Bridge):
    """A device where these commands print ``0``; ``su`` says no or does not answer."""

    def __init__(self, *root_by: tuple[str, ...], hangs: bool = False) -> None:
        self.serial = "X1"
        self._root_by = root_by
        self._hangs = hangs
        self.restarts = 0

    def shell(self, *words: str, limit_s: float = 60.0) -> AdbResult:
        del limit_s
        if words in self._root_by:
            return AdbResult(code=0, out="0\n", err="")
        if words[0] == "su" and self._hangs:
            raise TargetError("no answer within 15 s")
        return AdbResult(code=0 if words[0] == "id" else 1, out="2000\n", err="")

    def restart_as_root(self, limit_s: float) -> AdbResult:
        del limit_s
        self.restarts += 1
        return AdbResult(code=1, out="adbd cannot run as root in production builds\n", err="")


BY_ADBD, BY_MAGISK, BY_ENGINEERING = ("id", "-u"), ("su", "-c", "id -u"), ("su", "0", "id", "-u")


@pytest.mark.parametrize(
    ("root", "bridge", "user"),
    [
        (Root.NO, FakeBridge(BY_MAGISK), ADBD),
        (Root.AUTO, FakeBridge(), ADBD),
        (Root.AUTO, FakeBridge(BY_ADBD, BY_MAGISK), ADBD),
        (Root.AUTO, FakeBridge(BY_MAGISK, BY_ENGINEERING), MAGISK),
        (Root.AUTO, FakeBridge(BY_ENGINEERING), ENGINEERING),
        (Root.AUTO, FakeBridge(hangs=True), ADBD),
        (Root.SU, FakeBridge(BY_ADBD, BY_ENGINEERING), ENGINEERING),
        (Root.ADB, FakeBridge(BY_ADBD), ADBD),
    ],
)
def test_the_user_is_the_one_that_was_asked_for(root: Root, bridge: FakeBridge, user: User) -> None:
    assert resolve_user(bridge, root) == user
    assert not bridge.restarts


@pytest.mark.parametrize(
    ("root", "why"),
    [
        (Root.SU, "adbd's user becomes root by no su"),
        (Root.ADB, "adb root: adbd cannot run as root in production builds"),
    ],
)
def test_root_that_a_device_does_not_give_is_refused(root: Root, why: str) -> None:
    with pytest.raises(CannotMeasureError) as caught:
        resolve_user(FakeBridge(BY_MAGISK if root is Root.ADB else BY_ADBD), root)
    assert caught.value.what == f"adb:X1: no root here: {why}"
    assert (caught.value.remedy or "").startswith("leave out --root")


def test_a_device_that_is_lost_meanwhile_is_not_taken_for_one_without_root() -> None:
    class LostBridge(FakeBridge):
        def shell(self, *words: str, limit_s: float = 60.0) -> AdbResult:
            raise TargetLostError(f"adb:X1 went away during {words} of {limit_s} s")

    with pytest.raises(TargetLostError):
        resolve_user(LostBridge(), Root.AUTO)


def test_a_command_is_quoted_as_its_su_takes_it() -> None:
    assert ADBD.words("ls", "a b") == ("ls", "a b")
    assert MAGISK.words("ls", "a b") == ("su", "-c", "ls 'a b'")
    assert ENGINEERING.words("ls", "a b") == ("su", "0", "ls", "a b")
