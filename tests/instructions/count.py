#!/usr/bin/python3
"""What work of the lane costs in instructions, by callgrind, beside what was accepted (accepted.txt).

    tests/instructions/count.py             measure and compare; exit 1: something costs more than it may
    tests/instructions/count.py --accept    measure, and take the figures as those to hold

User mode only, one thread, fixed input: the same on every run of a machine, however busy it is. They are
those of one compiler, one C library and one processor, and are not compared with others.
"""
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import harness  # noqa: E402
from accepted import Accepted, judge  # noqa: E402

PROGRAM = harness.OUT / "tests" / "instructions"
ACCEPTED = Accepted(
    HERE / "accepted.txt",
    [
        "Instructions per unit: a frame, a command, a cycle, a request, or a millisecond; see README.md.",
        "Taken anew by `make instructions-golden`.",
    ],
)
PLANTED = "planted"


def reason_to_skip():
    """Empty: it can be counted here."""
    if not shutil.which("valgrind"):
        return "valgrind is not installed (scripts/setup test)"
    return "" if PROGRAM.exists() else f"{PROGRAM} is not built (make instructions)"


def said(*command, seconds=120):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=seconds
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[-1]}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def scenarios():
    return said(PROGRAM).split()


def count(scenario):
    """Instructions per unit."""
    text = said(
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        "--toggle-collect=*counted<*",
        PROGRAM,
        scenario,
    )
    collected = int(re.search(r"Collected : (\d+)", text)[1])
    return collected / int(re.search(r"^units (\d+)$", text, re.M)[1])


def measure():
    return {(name, "instructions"): count(name) for name in scenarios()}


def circumstances():
    """What the figures depend on besides our sources."""
    compiler = said("g++", "--version").splitlines()[0]
    library = said("ldd", "--version").splitlines()[0].removeprefix("ldd ")
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return f"{compiler}, {library}, {model[1] if model else 'unknown processor'}"


def held(now):
    return {key: figure for key, figure in now.items() if key[0] != PLANTED}


if __name__ == "__main__":
    if why := reason_to_skip():
        sys.exit(f"count: {why}")
    sys.exit(judge(ACCEPTED, circumstances(), held(measure()), "--accept" in sys.argv[1:]))
