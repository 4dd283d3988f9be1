"""What a kernel says of the options that it was built with."""

from loadstone.targets.android.kernel_config import config_facts
from targets.android.phone_outputs import CONFIG


def test_options_are_told_as_they_are_and_those_that_do_not_exist_are_left_out() -> None:
    assert config_facts(CONFIG) == {
        "config.IO_URING": "n",
        "config.DMABUF_HEAPS": "y",
        "config.DMABUF_HEAPS_SYSTEM": "m",
        "config.ARM64_4K_PAGES": "y",
        "config.ARM64_16K_PAGES": "n",
        "config.HZ": "250",
    }
    assert config_facts("\x1f\x8b garbage") == {}
