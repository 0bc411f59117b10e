"""Starts the real programs for tests and benches, and stops all that it has started.

Everything runs on loopback, under a region name and ports of its own, so that several can run
beside one another. Every wait is bounded.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = pathlib.Path(os.environ.get("OUT", ROOT / "build" / "release")).resolve()
BIN = OUT / "bin"
GUARD = OUT / "lib" / "rise" / "librise_guard.so"


def free_ports(count):
    """`count` consecutive ports that nobody listens on now."""
    for base in range(20000 + os.getpid() % 9000, 60000, 257):
        sockets = []
        try:
            for port in range(base, base + count):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sockets.append(s)
                s.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for s in sockets:
                s.close()
    raise RuntimeError("no free ports")


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Process:
    """A program that is ended with the object; its output is in a file."""

    def __init__(self, arguments, env=None, name=None):
        self.name = name or pathlib.Path(arguments[0]).name
        self.log = tempfile.NamedTemporaryFile(
            "w+", prefix=f"{self.name}-", suffix=".log", delete=False
        )
        full = dict(os.environ)
        full.update(env or {})
        self.process = subprocess.Popen(
            [str(a) for a in arguments],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env=full,
        )
        self.pid = self.process.pid

    def output(self):
        with open(self.log.name, errors="replace") as file:
            return file.read()

    def alive(self):
        return self.process.poll() is None

    def wait(self, seconds=10):
        return self.process.wait(timeout=seconds)

    def stop(self, how=signal.SIGTERM, seconds=10):
        if self.alive():
            self.process.send_signal(how)
            try:
                self.process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=5)
        return self.process.returncode

    def close(self):
        self.stop()
        self.log.close()
        if os.path.exists(self.log.name):
            os.unlink(self.log.name)


class Plant:
    """Simulated controls, a core and a sidecar on a config made for the occasion."""

    def __init__(self, name):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"rise-{name}-"))
        self.region = f"{name}-{os.getpid()}"
        self.started = []
        self.core = self.simulator = self.sidecar = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for process in reversed(self.started):
            process.close()
        # A sidecar that was killed leaves its socket, which only the next one would take away.
        pathlib.Path(f"/dev/shm/rise.{self.region}.sidecar").unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, arguments, env=None, name=None):
        process = Process(arguments, env, name)
        self.started.append(process)
        return process

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def start_simulator(self, toml, env=None, cpu=None):
        config = self.write("controls.toml", toml)
        prefix = ["taskset", "-c", str(cpu)] if cpu is not None else []
        self.simulator = self.start(
            prefix + [BIN / "cncsim", "--config", config, "--control", self.folder / "control"],
            env,
            "cncsim",
        )
        wait_until(
            lambda: "ready" in self.simulator.output() or not self.simulator.alive(),
            20,
            "simulated controls are ready",
        )
        if not self.simulator.alive():
            raise RuntimeError("cncsim ended: " + self.simulator.output())
        return self.simulator

    def tell(self, text):
        """A line to the simulator's control socket; its answer."""
        done = subprocess.run(
            [BIN / "cncsim", "--tell", self.folder / "control", text],
            capture_output=True,
            text=True,
            timeout=10,
        )
        return done.stdout.strip()

    def start_core(self, toml, env=None, arguments=(), prefix=()):
        config = self.write(
            "rise.toml", f'[core]\nname = "{self.region}"\nhugepages = false\n' + toml
        )
        self.core = self.start(
            [*prefix, BIN / "rise-core", "--config", config, *arguments], env, "rise-core"
        )
        wait_until(lambda: self.view() or not self.core.alive(), 20, "the core runs")
        if not self.core.alive():
            raise RuntimeError("rise-core ended: " + self.core.output())
        return self.core

    def start_sidecar(self, *arguments):
        self.sidecar = self.start(
            [BIN / "rise-sidecar", "--region", self.region, *arguments], name="rise-sidecar"
        )
        return self.sidecar

    def play_sensors(self, toml, port, seconds, host="127.0.0.1", prefix=(), cpu=None):
        """sensorsim to its end; what it says."""
        config = self.write("sensors.toml", toml)
        if cpu is not None:
            prefix = [*prefix, "taskset", "-c", str(cpu)]
        done = subprocess.run(
            [*prefix, BIN / "sensorsim", "--config", config, "--to", f"{host}:{port}"]
            + ["--quiet", "--json", "--duration", str(seconds)],
            capture_output=True,
            text=True,
            timeout=seconds + 30,
        )
        if done.returncode != 0:
            raise RuntimeError("sensorsim: " + done.stderr)
        return json.loads(done.stdout)

    def rise(self, *arguments, timeout=20):
        return subprocess.run(
            [BIN / "rise", *map(str, arguments)], capture_output=True, text=True, timeout=timeout
        )

    def view(self):
        """What `rise top` sees, or None while there is no core."""
        done = self.rise("top", "--region", self.region, "--once", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def machine(self, name):
        return next(m for m in self.view()["machines"] if m["name"] == name)

    def signal(self, machine, name):
        return self.machine(machine)["signals"][name]

    def wait_machine(self, name, condition, seconds, what):
        def check():
            machine = self.machine(name)
            return machine if condition(machine) else None

        return wait_until(check, seconds, f"{name}: {what}")

    def wait_up(self, seconds=15):
        wait_until(
            lambda: all(m["link"] == "up" for m in self.view()["machines"]),
            seconds,
            "all machines are up",
        )


def count_syscalls(plant, seconds):
    """System calls of the lane thread over some time, counted by strace. Each cycle sleeps exactly
    once, so the sleeps in the same count are the cycles."""
    report = plant.folder / "strace.txt"
    strace = subprocess.Popen(
        ["strace", "-c", "-o", report, "-p", str(lane_thread(plant.core.pid))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    strace.send_signal(signal.SIGINT)
    strace.wait(timeout=10)
    calls = {}
    for line in report.read_text().splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3])
    return {
        "cycles": calls.get("clock_nanosleep", 0),
        "syscalls": sum(calls.values()),
        "calls": calls,
    }


def lane_thread(pid):
    """The thread number of the (first) lane of a core."""
    for task in sorted((pathlib.Path("/proc") / str(pid) / "task").iterdir()):
        if (task / "comm").read_text().startswith("lane-"):
            return int(task.name)
    raise RuntimeError("the core has no lane thread")


PROGRAM = (
    "O1000(ROUND AND ROUND)\\nG90 G21\\nN10 G0 X0. Y0. Z0.\\nN20 S1500 M3\\nN30 G1 X80. F3000\\n"
    "N40 Y40.\\nN50 Z-5. F500\\nN60 X0. Y0.\\nM30"
)


def control_toml(
    name, port, model="31i", axes=("X", "Y", "Z"), paths=1, program=PROGRAM, tables="", **keys
):
    """One [[control]] of cncsim. keys: further keys; tables: [[control.fault]] and the like."""
    text = f'[[control]]\nname = "{name}"\nmodel = "{model}"\nport = {port}\n'
    for key, value in keys.items():
        text += (
            f"{key} = " + (f'"{value}"' if isinstance(value, str) else str(value).lower()) + "\n"
        )
    listed = ", ".join(f'{{ name = "{axis}" }}' for axis in axes)
    for _ in range(paths):
        text += f'[[control.path]]\nprogram = "{program}"\naxes = [{listed}]\n'
        text += 'spindles = [{ name = "S1" }]\n'
    return text + tables


FAST = '["status", "alarms", "position.absolute", "feed", "spindle.speed", "spindle.load", "servo.load"]'


def machine_toml(name, port, period_ms=10, items=FAST, axes=("X", "Y", "Z"), more="", tables=""):
    """One [[machine]], one group. more: keys of [machine.focas]; tables: what comes before it."""
    listed = ", ".join(f'"{axis}"' for axis in axes)
    return f'''
[[machine]]
name = "{name}"
driver = "focas"
{tables}
[machine.focas]
endpoint = "127.0.0.1:{port}"
{more}
[[machine.focas.path]]
axes = [{listed}]
[[machine.focas.group]]
name = "fast"
period_ms = {period_ms}
items = {items}
'''
