"""Tests of what this machine's kernel may lack, carried out in a guest whose kernel has it."""

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.laboratory import NEW, OLD, REPOSITORY, carried_out
from loadstone.lab.kernels import Kernel

_LIMIT_S = 1500
_KILL_LIMIT_S = 60
_RECIPES_OF_DMABUFS = " ".join(
    f"tests/examples/test_recipes.py::test_what_a_recipe_of_{language}_loads_is_the_file[{name}]"
    for language in ("c", "python")
    for name in ("dma_heap", "udmabuf", "udmabuf_beside")
)
_TESTS = (
    "tests/dm tests/environment/test_storage.py tests/environment/test_memory_cgroup.py "
    "tests/workloads/model_load/test_cold.py tests/cli/test_memory_limit.py "
    "tests/native/test_udmabuf.py "
    f"{_RECIPES_OF_DMABUFS} "
    "tests/cli/test_pages.py::test_where_yama_restricts_who_may_look_it_is_named "
    "tests/provision/test_zram_device.py::test_a_device_is_made_as_asked_and_gone_at_the_end "
    "tests/provision/test_zram_device.py::test_the_level_is_the_algorithms "
    "tests/provision/test_zram_device.py::"
    "test_what_a_killed_process_swapped_out_comes_back_and_nobody_is_killed "
    "tests/workloads/page_classes/test_for_real.py "
    "tests/provision/test_memory_group.py::"
    "test_a_group_is_made_with_its_limit_and_removed_at_the_end "
    "tests/workloads/model_load/test_pressure.py::"
    "test_a_buffered_load_has_to_push_out_what_a_direct_one_does_not "
    "tests/workloads/model_load/test_pressure.py::"
    "test_a_load_that_the_kernel_killed_for_its_groups_limit_says_so"
)

_FILE_SYSTEM_TESTS = (
    "tests/provision/test_f2fs_image.py::test_it_is_made_with_the_options_and_gone_at_the_end "
    "tests/provision/test_f2fs_image.py::"
    "test_an_option_that_mkfs_or_the_kernel_refuses_is_told "
    "tests/workloads/inline_tail/test_for_real.py "
    "tests/workloads/erofs_read/test_for_real.py::"
    "test_pages_are_reserved_by_loading_the_module_anew_and_it_is_put_back "
    "tests/workloads/model_load/test_images.py::test_a_model_is_loaded_cold_from_f2fs "
    "tests/workloads/f2fs_read/test_for_real.py "
    "tests/workloads/zoned_gc/test_for_real.py "
    "tests/provision/test_compressed_file.py::"
    "test_what_does_not_compress_and_what_is_less_than_a_cluster_is_stored_as_it_is "
    "tests/workloads/compression/test_for_real.py::"
    "test_each_pattern_is_cold_verified_and_counted[f2fs] "
    "tests/workloads/compression/test_for_real.py::"
    "test_a_random_read_takes_a_cluster_of_f2fs_as_a_whole "
    "tests/workloads/compression/test_for_real.py::"
    "test_what_is_stored_is_what_layout_predicts[f2fs-lz4]"
)

# ext4 on a null_blk: files of the guest's own would lie in its memory, and loops over those
# are other than over a disk.
_BODY = """
modprobe null_blk nr_devices=1 gb=2 memory_backed=1 bs=512 queue_mode=2
modprobe -a loop btrfs
# The second version of control groups, which this machine may not have.
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
mkdir /run/loadstone/place
mkfs.ext4 -q /dev/nullb0
mount /dev/nullb0 /run/loadstone/place
cd {repository}
export TMPDIR=/run/loadstone/place PYTHONDONTWRITEBYTECODE=1 HOME=/run/loadstone
{python} -m pytest {tests} {options} -p no:cacheprovider -ra --durations=12 \
    --basetemp /run/loadstone/place/pytest-inside 2>&1 || true
"""


@pytest.mark.lab
@pytest.mark.parametrize(
    ("release", "tests"),
    [
        (NEW, _TESTS),
        (NEW, _FILE_SYSTEM_TESTS),
        (NEW, "tests/soak/test_device_kills.py"),
        (
            OLD,
            "tests/workloads/page_classes/test_for_real.py "
            "tests/workloads/erofs_read/test_for_real.py "
            "tests/workloads/zoned_gc/test_for_real.py::"
            "test_direct_writes_are_measured_or_skipped_and_zonefs_has_nothing_to_clean "
            "tests/workloads/zoned_gc/test_for_real.py::"
            "test_a_knob_is_set_and_read_back_or_the_kernel_has_none "
            "tests/workloads/zoned_gc/test_for_real.py::"
            "test_a_device_on_which_mkfs_makes_nothing_is_a_skip_in_its_words",
        ),
    ],
)
@pytest.mark.usefixtures("lab")
def test_all_pass_in_a_guest_and_none_is_skipped(
    kernels: Callable[[str], Kernel],
    tmp_path: Path,
    release: str,
    tests: str,
    pytestconfig: pytest.Config,
) -> None:
    kills = int(pytestconfig.getoption("--device-kills"))
    lines = _carried_out(kernels(release), tmp_path, tests, kills)
    told = "\n".join(lines)
    # What `make soak` shows: the storm's figures.
    sys.stdout.write(told)
    assert re.search(r"^=+ [1-9]\d* passed in ", told, re.MULTILINE), told


def _carried_out(kernel: Kernel, place: Path, tests: str, kills: int) -> list[str]:
    body = _BODY.format(
        repository=shlex.quote(str(REPOSITORY)),
        python=shlex.quote(sys.executable),
        tests=tests,
        options=f"--device-kills={kills}",
    )
    return carried_out(kernel, place, body, _LIMIT_S + kills * _KILL_LIMIT_S)
