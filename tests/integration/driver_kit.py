"""`rise driver check` for tests: what it says of a driver."""
import json
import subprocess

from common import harness

RISE = harness.BIN / "rise"
DRIVERS = harness.OUT / "tests" / "drivers"


def run(*words, cwd=None, timeout=400):
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=timeout
    )


def check(driver, *options):
    return run(RISE, "driver", "check", driver, *options)


def report(driver, *options):
    done = check(driver, "--json", *options)
    try:
        found = json.loads(done.stdout)
    except ValueError as fault:
        raise AssertionError(f"no report: {done.stdout}{done.stderr}") from fault
    found["exit"] = done.returncode
    found["failing"] = {c["check"] for c in found["checks"] if c["verdict"] == "fail"}
    found["words"] = "\n".join(line for c in found["checks"] for line in c["findings"])
    return found
