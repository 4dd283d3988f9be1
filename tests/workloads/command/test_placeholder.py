"""Where the file's path goes in a command."""

import subprocess

import pytest

from loadstone.errors import UsageError
from loadstone.workloads.command.placeholder import check_placeholder, names_file, with_file

PATHS = ("/a/model.gguf", '/a b/it\'s "one".gguf', "/a\nb/$(reboot)`x`.gguf", "/a/\\;*?.gguf")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "command",
    [
        "printf %s {file}",
        'printf %s "{file}"',
        "printf %s '{file}'",
        "printf %s ''{file}",
        "printf '%s' \\\n{file}",
        """printf '%s' "a" >/dev/null; printf "%s" '{file}'""",
    ],
)
def test_any_path_reaches_the_command_as_one_word(command: str, path: str) -> None:
    check_placeholder(command)
    done = subprocess.run(
        ["/bin/sh", "-c", with_file(command, path)], capture_output=True, check=True
    )
    assert done.stdout.decode() == path


@pytest.mark.parametrize(
    "command",
    [
        "python -c \"open('{file}')\"",
        "echo 'a {file}'",
        'echo "a {file}"',
        'echo "\\"{file}"',
        "echo 'a'\"{file} \"",
    ],
)
def test_within_quotes_it_is_refused(command: str) -> None:
    with pytest.raises(UsageError, match="within quotes") as caught:
        check_placeholder(command)
    assert "LOADSTONE_MODEL" in (caught.value.remedy or "")


def test_other_braces_are_the_commands_own() -> None:
    assert with_file("awk '{print}' {file} ${HOME}", "/m") == "awk '{print}' /m ${HOME}"


def test_a_command_may_read_the_path_from_its_environment() -> None:
    assert names_file("load $LOADSTONE_MODEL")
    assert names_file("load {file}")
    assert not names_file("load model.gguf")
