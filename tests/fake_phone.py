"""A phone's /sys and /proc as files in a directory, and a Target that reads them from there."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadstone.errors import TargetError
from loadstone.model import Environment, Job, Outcome

CPU = "/sys/devices/system/cpu"
THERMAL = "/sys/class/thermal"
BATTERY = "/sys/class/power_supply/battery"

SMALL, LARGE = range(4), range(4, 8)
SMALL_KHZ, LARGE_KHZ = 1_804_800, 2_841_600

ZONES = {
    0: ("aoss0-usr", "33100"),
    1: ("cpu-0-0-usr", "36200"),
    2: ("cpu-1-3-usr", "41700"),
    3: ("skin-msm-therm", "34000"),
    # Told in percent, amperes and whole degrees: none of them a temperature in m°C.
    4: ("soc", "87"),
    5: ("pm8150-ibat-lvl0", "1203000"),
    6: ("cpuss-2-usr", "45"),
    7: ("battery", "31000"),
}
COOLING = {
    0: ("thermal-cpufreq-0", "0", "20"),
    1: ("thermal-cpufreq-4", "0", "20"),
    2: ("pwm-fan", "3", "4"),
    3: ("battery", "2", "6"),
    4: ("vendor-thing", "1", "5"),
    5: ("thermal-devfreq-0", "0", "0"),
}


def phone_texts() -> dict[str, str]:
    """Eight CPUs in two clusters, at rest, charging at a host's port."""
    texts = {
        f"{CPU}/present": "0-7\n",
        f"{CPU}/online": "0-7\n",
        "/proc/self/status": "Name:\tcat\nCpus_allowed:\tff\nCpus_allowed_list:\t0-7\n",
        f"{BATTERY}/type": "Battery\n",
        f"{BATTERY}/temp": "312\n",
        f"{BATTERY}/capacity": "87\n",
        f"{BATTERY}/status": "Charging\n",
        f"{BATTERY}/current_now": "-450000\n",
        f"{BATTERY}/voltage_now": "4200000\n",
        f"{BATTERY}/charge_counter": "3481000\n",
    }
    for numbers, khz, capacity in ((SMALL, SMALL_KHZ, 250), (LARGE, LARGE_KHZ, 1024)):
        policy = f"{CPU}/cpufreq/policy{numbers[0]}"
        texts |= {
            f"{policy}/related_cpus": " ".join(map(str, numbers)) + "\n",
            f"{policy}/cpuinfo_max_freq": f"{khz}\n",
            f"{policy}/scaling_max_freq": f"{khz}\n",
            f"{policy}/scaling_cur_freq": "300000\n",
        }
        for number in numbers:
            texts[f"{CPU}/cpu{number}/cpu_capacity"] = f"{capacity}\n"
            texts[f"{CPU}/cpu{number}/cpufreq/cpuinfo_max_freq"] = f"{khz}\n"
            texts[f"{CPU}/cpu{number}/cpufreq/scaling_governor"] = "schedutil\n"
    for number, (kind, temp) in ZONES.items():
        texts[f"{THERMAL}/thermal_zone{number}/type"] = f"{kind}\n"
        texts[f"{THERMAL}/thermal_zone{number}/temp"] = f"{temp}\n"
    for number, (kind, state, most) in COOLING.items():
        device = f"{THERMAL}/cooling_device{number}"
        texts |= {
            f"{device}/type": f"{kind}\n",
            f"{device}/cur_state": f"{state}\n",
            f"{device}/max_state": f"{most}\n",
        }
    return texts


class Phone:
    """A Target that has the files of a directory and no core: ``limits`` of a phone's shell.

    Commands are those of this machine, with the phone's paths in place of its own.
    """

    name = "adb:fake"
    is_this_machine = False
    lost_remedy = "plug it in again"

    def __init__(self, root: Path, texts: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.round_trips = 0
        for path, text in (phone_texts() if texts is None else texts).items():
            self.put(path, text)

    def put(self, path: str, text: str) -> None:
        """Change a file as its kernel would."""
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def take_away(self, path: str) -> None:
        """It cannot be read any more."""
        self._place(path).unlink()

    def link(self, path: str, to: str) -> None:
        """A symbolic link of sysfs."""
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(self._place(to))

    def read_text(self, path: str) -> str | None:
        self.round_trips += 1
        return self._read(path)

    def read_texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        self.round_trips += 1
        texts = ((path, self._read(path)) for path in paths)
        return {path: text for path, text in texts if text is not None}

    def run(self, *words: str) -> str | None:
        """Its output, or None where it failed: what facts are read through."""
        self.round_trips += 1
        placed = [word.replace("/sys", f"{self.root}/sys") for word in words]
        done = subprocess.run(placed, capture_output=True, text=True, check=False)
        return None if done.returncode else done.stdout.replace(str(self.root), "")

    def run_command(self, *words: str) -> str:
        output = self.run(*words)
        if output is None:
            raise TargetError(f"{words[0]}: failed")
        return output

    def execute(self, job: Job) -> Outcome:
        if job.operation == "list-directories":
            self.round_trips += 1
            return Outcome(before={path: self._listing(path) for path in job.samples})
        assert job.operation == "clock-step", "a phone without a core was asked for more"
        return Outcome(values={"clock_step_ns": 52})

    def environment(self, path: str | None) -> Environment:
        del path
        return Environment(target=self.name, facts={})

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"nobody has any business with {name}")

    def _place(self, path: str) -> Path:
        return self.root / path.removeprefix("/")

    def _listing(self, path: str) -> str:
        place = self._place(path)
        names = [".", *(one.name for one in place.iterdir())] if place.is_dir() else []
        real = ((name, str((place / name).resolve())) for name in names)
        return "".join(f"{name} {path.removeprefix(str(self.root))}\n" for name, path in real)

    def _read(self, path: str) -> str | None:
        try:
            return self._place(path).read_text(errors="replace")
        except OSError:
            return None
