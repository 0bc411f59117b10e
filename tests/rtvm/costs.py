#!/usr/bin/python3
"""What a cycle costs, in instructions, beside the costs that were accepted (costs.txt).

    tests/rtvm/costs.py             measure and compare; exit 1: something costs more than it may
    tests/rtvm/costs.py --accept    measure, and take the figures as those to hold

Emulated with a nanosecond for each instruction, so the figures repeat to the byte whatever else this
machine does. They say nothing of the time on a real machine: there are no caches and no waiting for
memory. They are those of one kernel and one compiler, and are not compared with others.
"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import machine  # noqa: E402
from machine import harness  # noqa: E402
from accepted import TOLERANCE, Accepted, judge  # noqa: E402

SERIES = "6.1"
FLOOR_NS = 10  # instructions; of small figures 5 % is less than an alignment may change
# The longest of many cycles depends on what meets in one: replies of several controls, a timer.
LONGEST = ("worst",)
LONGEST_TOLERANCE = 1.0
LONGEST_FLOOR_NS = 10_000  # an interrupt or two
# Of these chance decides more; test_rtvm.py holds the lateness against cyclictest's instead.
NOT_HELD = ("wake_max", "exchange_max")


def room(what, before):
    if what in LONGEST:
        return max(before * LONGEST_TOLERANCE, LONGEST_FLOOR_NS)
    return max(before * TOLERANCE, FLOOR_NS)


ACCEPTED = Accepted(
    HERE / "costs.txt",
    [
        "Instructions of a lane's cycle, in user and kernel mode; see costs.py and README.md.",
        "Taken anew by `make rtvm-golden`.",
    ],
    room,
    work=("samples",),
)

CORE = '[core]\nname = "{name}"\nhugepages = false\nhistory_s = 1\nseed = 7\nflight_cycles = 8192\n'
LANE = '[[lane]]\nname = "main"\n'
IDLE = '[[machine]]\nname = "{name}"\ndriver = "misbehaves"\n[machine.misbehaves]\nhow = "none"\n'
SENSORS = 4
RATE_HZ = 9700  # 10.3 ms between datagrams: all places within a cycle have their turn


def core(name, text, lane=LANE):
    return CORE.format(name=name) + lane + text


def controls(count, period_ms, name, more=""):
    """A run with so many simulated controls, each swept in that period."""
    machines = "".join(
        harness.machine_toml(f"m-{i + 1}", 9001 + i, period_ms=period_ms) for i in range(count)
    )
    return {
        "rise.toml": core(name, machines + more),
        "controls.toml": harness.control_toml("m", 9001, count=count),
    }


def sensors(name):
    machine_toml = (
        '[[machine]]\nname = "cell"\ndriver = "telemetry"\n[machine.telemetry]\nport = 9000\n'
    )
    for number in range(1, SENSORS + 1):
        machine_toml += (
            f'[[machine.telemetry.sensor]]\nid = {number}\nname = "s{number}"\nkind = "vibration"\n'
            f'unit = "m/s2"\nrate_hz = {RATE_HZ}\nwindow = 256\nbands = [[10, 100], [100, 1000]]\n'
        )
    sender = (
        '[target]\nport = 9000\n[[sensor]]\nname = "s"\nid = 1\nkind = "vibration"\n'
        f'count = {SENSORS}\nrate_hz = {RATE_HZ}.0\nsamples = 100\n'
        'sine = [{ hz = 108.3, amplitude = 0.6 }]\n'
    )
    return {"rise.toml": core(name, machine_toml), "sensors.toml": sender}


def late(name):
    """A driver that takes longer than the period, and is let: the lane skips, counts, and tells."""
    slow = '[[machine]]\nname = "slow"\ndriver = "is_slow"\n'
    return {"rise.toml": core(name, slow, LANE + "bench_after = 0\nstuck_after = 0\n")}


# name: (files, cycles)
RUNS = {
    "idle": ({"rise.toml": core("idle", IDLE.format(name="i"))}, 1000),
    "one": (controls(1, 10, "one"), 1000),
    "eight": (controls(8, 10, "eight"), 1000),
    "many": (controls(64, 100, "many"), 500),
    "telemetry": (sensors("telemetry"), 1000),
    "late": (late("late"), 200),
}
# The negative control: one idle machine more than `idle` has.
PLANTED = ({"rise.toml": core("planted", IDLE.format(name="i") + IDLE.format(name="j"))}, 1000)


def measure(runs=None):
    """-> machine.Result; its table has the figures"""
    runs = runs or {**RUNS, "planted": PLANTED}
    order = "".join(f"{name} {cycles}\n" for name, (_, cycles) in runs.items())
    files = {name: files for name, (files, _) in runs.items()}
    return machine.run("costs", {**files, ".": {"order": order}}, "icount", SERIES)


def circumstances():
    """What the figures depend on besides our sources."""
    compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True, timeout=20)
    return f"{machine.kernel(SERIES)}, {compiler.stdout.splitlines()[0]}"


def held(now):
    """Of the figures those that are kept and compared."""
    return {
        (label, what): figure
        for (label, what), figure in now.items()
        if label != "planted" and what not in NOT_HELD
    }


def main():
    why = machine.reason_to_skip(SERIES)
    if why:
        sys.exit(f"costs: {why}")
    result = measure()
    if result.code != 0:
        sys.exit(result.text)
    return judge(ACCEPTED, circumstances(), held(result.table()), "--accept" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
