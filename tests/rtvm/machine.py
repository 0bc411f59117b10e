"""The emulated machine as tests use it: our programs installed in it, a folder of configs, one of the
scripts in guest/ run to its verdict."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import harness  # noqa: E402

RTVM = harness.ROOT / "scripts" / "rtvm"
DRIVERS = ("misbehaves", "is_slow")  # of tests/drivers
NO_VERDICT = 2


def reason_to_skip(series="6.1"):
    """Why there is no such machine here; empty: there is one."""
    if not shutil.which("qemu-system-x86_64"):
        return "qemu-system-x86 is not installed (scripts/setup rtvm)"
    if not shutil.which("busybox"):
        return "busybox-static is not installed (scripts/setup rtvm)"
    if not (harness.OUT / "tests" / "rtvm_guest").exists():
        return "rtvm_guest is not built (make rtvm)"
    if not kernel(series):
        return f"no RT kernel {series} is here (scripts/setup rtvm)"
    return ""


def kernel(series):
    """The newest release of a series that is here, or empty."""
    return subprocess.run(
        [RTVM, "kernel", series], capture_output=True, text=True, timeout=20
    ).stdout.strip()


class Result:
    def __init__(self, code, text):
        self.code = code
        self.text = text
        parts = re.split(r"^@@ (.*)\n", text, flags=re.M)
        self.parts = dict(zip(parts[1::2], parts[2::2]))  # what stands under "@@ NAME"

    def table(self, word="cost"):
        """Lines "cost LABEL WHAT FIGURE" -> {(label, what): figure}"""
        found = re.findall(rf"^{word} +(\S+) +(\S+) +([-\d.]+)$", self.text, re.M)
        return {(label, what): float(figure) for label, what, figure in found}


def installed():
    """Our programs, where they find their drivers."""
    files = [f"{harness.BIN}=/rise/bin", f"{harness.OUT / 'lib'}=/rise/lib"]
    files.append(f"{harness.OUT / 'tests' / 'rtvm_guest'}=/rise/bin/")
    for name in DRIVERS:
        files.append(f"{harness.OUT / 'tests' / 'drivers' / name}.so=/rise/lib/rise/drivers/")
    return files


def run(script, runs, mode, series="6.1", add=(), limit=180, **options):
    """runs: {name: {file: text}}, configs for the script's begin(). options: of `scripts/rtvm run`."""
    with tempfile.TemporaryDirectory(prefix="rise-rtvm-") as folder:
        for name, files in runs.items():
            for file, text in files.items():
                path = pathlib.Path(folder) / name / file
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
        words = [RTVM, "run", HERE / "guest" / f"{script}.sh", "--mode", mode]
        words += ["--kernel", series, "--limit", str(limit)]
        for pair in [*installed(), f"{HERE / 'guest'}=/guest", f"{folder}=/runs", *add]:
            words += ["--add", pair]
        for key, value in options.items():
            for one in value if isinstance(value, (list, tuple)) else [value]:
                words.append(f"--{key}={one}")
        done = subprocess.run(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit + 60
        )
    return Result(done.returncode, done.stdout)
