"""What the benches share: figures with goals, programs that print them."""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
import harness  # noqa: E402

LAST_CPU = max(os.sched_getaffinity(0))
FIRST_CPU = min(os.sched_getaffinity(0))
PRIORITY = 80


def figure(name, value, unit="", at_least=None, at_most=None):
    out = {"name": name, "value": value, "unit": unit}
    if at_least is not None:
        out.update(goal=f">= {at_least:g}", met=value >= at_least)
    if at_most is not None:
        out.update(goal=f"<= {at_most:g}", met=value <= at_most)
    return out


def program(name, *arguments, prefix=()):
    """Runs a bench program; its figures as a dict of name -> (value, unit)."""
    done = subprocess.run(
        [*prefix, harness.OUT / "bench" / name, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{name} failed: {done.stderr}")
    found = re.findall(r"^(\S+) +(-?[\d.]+) ?(\S*)$", done.stdout, re.M)
    return {key: (float(value), unit) for key, value, unit in found}


# A lane that does the same work as another, elsewhere and as an ordinary thread: so that the machine is
# as busy while the reference is measured.
ELSEWHERE = {"priority": 0, "cpu": FIRST_CPU}


def lane_toml(period_us=1000, priority=PRIORITY, cpu=LAST_CPU, **keys):
    text = f'[[lane]]\nname = "main"\nperiod_us = {period_us}\n'
    text += f'priority = {priority}\ncpu = {cpu}\n'
    for key, value in keys.items():
        text += f"{key} = " + (f'"{value}"' if isinstance(value, str) else str(value)) + "\n"
    return text


def median(values):
    return sorted(values)[len(values) // 2]


def cpu_seconds(plant):
    ticks = os.sysconf("SC_CLK_TCK")
    out = {}
    for name in ("core", "simulator", "sidecar"):
        fields = (
            pathlib.Path(f"/proc/{getattr(plant, name).pid}/stat")
            .read_text()
            .rsplit(")", 1)[1]
            .split()
        )
        out[name] = (int(fields[11]) + int(fields[12])) / ticks
    return out


def resident(pid):
    """Resident memory in KiB: what is shared memory (the region), and the rest."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    value = {key: int(kib) for key, kib in re.findall(r"^(\w+):\s+(\d+) kB$", status, re.M)}
    return {"shared": value["RssShmem"], "outside": value["VmRSS"] - value["RssShmem"]}
