"""The scenery itself: what other tests take for a phone behaves as one."""

import pytest
from adbd import Adbd, MakeAdbd

pytestmark = [pytest.mark.device, pytest.mark.usefixtures("nothing_is_left")]


def test_an_exit_code_comes_through_and_the_two_outputs_are_apart(adbd: Adbd) -> None:
    done = adbd.shell("echo out; echo err >&2; exit 3")
    assert (done.code, done.out, done.err) == (3, "out\n", "err\n")


@pytest.mark.parametrize("uid", [0, 2000])
def test_the_shell_is_of_the_user_that_was_asked_for(make_adbd: MakeAdbd, uid: int) -> None:
    assert make_adbd(uid).shell("id -u").out == f"{uid}\n"
