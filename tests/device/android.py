"""What of Android a root with Debian's adbd lacks: its layout, its users, its small programs."""

SHELL_UID = 2000
SHELL_GROUPS = "1004,1007,1011,1015,1028,3001,3002,3003,3006,3009,3011"
PATH = "/system/bin:/system/xbin"

PROPERTIES = {
    "ro.build.fingerprint": "loadstone/emulated/emulated:15/AP3A.240905.015/1:userdebug/test-keys",
    "ro.build.type": "userdebug",
    "ro.build.version.release": "15",
    "ro.build.version.sdk": "35",
    "ro.board.platform": "emulated",
    "ro.hardware": "emulated",
    "ro.product.manufacturer": "Loadstone",
    "ro.product.model": "Emulated 1",
    "ro.serialno": "EMULATED0001",
    "ro.soc.manufacturer": "Loadstone",
    "ro.soc.model": "S1",
    "sys.boot_completed": "1",
}

_GETPROP = """\
#!/system/bin/sh
file=/system/etc/properties
[ $# -gt 0 ] || exec cat $file
while IFS= read -r line; do
    case $line in "[$1]: ["*)
        value=${line#*": ["}
        printf '%s\\n' "${value%]}"
        exit
    esac
done < $file
printf '%s\\n' "$2"
"""

_DUMPSYS = """\
#!/system/bin/sh
cat "/system/etc/dumpsys/$1" 2>/dev/null || echo "Can't find service: $1"
"""

_POWER = """\
POWER MANAGER (dumpsys power)

Power Manager State:
  mDirty=0x0
  mWakefulness=Awake
  mIsPowered=true
  mPlugType=2
  mBatteryLevel=87
  mStayOn=false
  mScreenOffTimeoutSetting=60000

Display Power: state=ON
"""

_BATTERY = """\
Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Dock powered: false
  status: 2
  health: 2
  present: true
  level: 87
  scale: 100
  voltage: 4251
  temperature: 290
  technology: Li-ion
"""

PROGRAMS = {
    "getprop": _GETPROP,
    "getenforce": "#!/system/bin/sh\nexec cat /system/etc/enforce\n",
    "dumpsys": _DUMPSYS,
}

FILES = {
    "passwd": "root:x:0:0::/:/system/bin/sh\nshell:x:2000:2000::/:/system/bin/sh\n",
    "group": "root:x:0:\nshell:x:2000:\n",
    "enforce": "Enforcing\n",
    "dumpsys/power": _POWER,
    "dumpsys/battery": _BATTERY,
}


def properties(values: dict[str, str]) -> str:
    """What getprop prints of them; a line feed in a value stays one."""
    return "".join(f"[{key}]: [{value}]\n" for key, value in sorted(values.items()))


def root_script(base: str, root: str) -> str:
    """A shell script that mounts the directory to chroot to, all but its ``usr`` and ``dev``.

    Args:
        base: what ``debian_root`` returned.
        root: an empty directory.
    """
    return f"""\
mount -t tmpfs -o mode=755 root {root}
cd {root}
cp -a {base}/system {base}/bin {base}/etc {base}/lib {base}/lib64 .
mkdir -p usr system/xbin system/etc/dumpsys data/local/tmp dev proc sys tmp
chmod 1777 tmp
chown {SHELL_UID}:{SHELL_UID} data/local/tmp
{"".join(map(_written, _texts().items()))}
chmod 755 {" ".join(f"system/bin/{name}" for name in PROGRAMS)}
mount -t proc proc proc
mount --rbind /sys sys
"""


def adbd_words(root: str, port: int, uid: int) -> list[str]:
    """The command of an adbd in that root."""
    user = [f"--userspec={uid}:{uid}", f"--groups={SHELL_GROUPS}"] if uid else []
    environment = [f"PATH={PATH}", f"ADBD_PORT={port}"]
    return ["chroot", *user, root, "/system/bin/env", "-i", *environment, "/usr/sbin/adbd"]


def _texts() -> dict[str, str]:
    programs = {f"system/bin/{name}": text for name, text in PROGRAMS.items()}
    files = {f"system/etc/{name}": text for name, text in FILES.items()}
    return {**programs, **files, "system/etc/properties": properties(PROPERTIES)}


def _written(item: tuple[str, str]) -> str:
    path, text = item
    return f"cat > {path} << 'END-OF-FILE'\n{text}END-OF-FILE\n"
