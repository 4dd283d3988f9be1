"""The guest's side of a virtual phone: its storage, its root, an adbd of each user.

    python inside_phone.py BASE

Says ``ready`` when both listen, and stays.
"""

import shlex
import subprocess
import sys

from device.android import SHELL_UID, adbd_words, root_script
from loadstone.provision.simulated.device import simulated_device
from loadstone.provision.simulated.profile import find_profile

PORTS = {0: 5555, SHELL_UID: 5556}
PROFILE = "ufs40"
DATA_BYTES = 2 << 30

_ROOT = "/run/loadstone/phone"

# As on phones dm lies between: two pieces of the device, the second before the first.
_STORAGE = """
modprobe -a dm_mod f2fs loop virtio_net
half=$(($(blockdev --getsz "$1") / 2))
export DM_DISABLE_UDEV=1
dmsetup create data << END
0 $half linear $1 $half
$half $half linear $1 0
END
mkfs.f2fs -q /dev/mapper/data
mkdir $root
"""

_REST = """
cp -a $base/usr .
mount --rbind /dev dev
mount -t f2fs /dev/mapper/data data
# Android lets anybody ask for memory of that heap.
chmod 444 dev/dma_heap/system
mkdir -p data/local/tmp
chown 2000:2000 data/local/tmp
chmod 771 data data/local/tmp
chroot . /system/bin/ifconfig lo up
card=$(basename /sys/class/net/e*)
chroot . /system/bin/ifconfig $card 10.0.2.15 netmask 255.255.255.0 up
"""


def main() -> None:
    """Make the phone, and hold it."""
    base = sys.argv[1]
    names = f"set -e\nroot={_ROOT} base={shlex.quote(base)}\n"
    starts = "".join(
        f"{shlex.join(adbd_words(_ROOT, port, uid))} &\n"
        f'until grep -q ":{port:04X} .* 0A " /proc/net/tcp*; do sleep 0.1; done\n'
        for uid, port in PORTS.items()
    )
    script = f"{names}{_STORAGE}{root_script(base, _ROOT)}{_REST}{starts}echo ready\nwait\n"
    with simulated_device(find_profile(PROFILE), DATA_BYTES) as device:
        subprocess.run(["sh", "-c", script, "sh", device], stdin=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
