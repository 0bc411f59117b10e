"""Loads under which latency is measured: stress-ng's, and our own sidecar at full blast.

All of them are ordinary processes and may use every core, the measured one as well, as the kernel
sees fit: that is what a lane has to stand. On an isolated core the kernel puts none of them.
Each runs through all rounds of both, cyclictest's and the lane's.
"""
import os
import subprocess
import tempfile
import time

from latency import lane, places

import harness  # noqa: E402

SETTLE_S = 1.0


class Absent(Exception):
    """The load cannot be made here: why."""


def available_mib():
    with open("/proc/meminfo", encoding="ascii") as file:
        kib = {line.split(":")[0]: int(line.split()[1]) for line in file}
    return kib.get("MemAvailable", kib["MemFree"]) // 1024


def cpu(workers):
    """Arithmetic of all kinds."""
    return ["--cpu", workers, "--cpu-method", "all"]


def memory(workers):
    """Pages written and read, caches emptied, copies as fast as they go."""
    mib = max(16, min(256, available_mib() // 4 // workers))
    return ["--vm", workers, "--vm-bytes", f"{mib}m", "--vm-method", "all"] + [
        *("--cache", workers, "--memcpy", workers)
    ]


def io(workers):
    """Files written, synchronised and read."""
    return ["--hdd", workers, "--hdd-bytes", "64m", "--iomix", 1, "--iomix-bytes", "64m"]


def network(workers):
    """TCP and UDP on loopback."""
    port = harness.free_ports(4 * workers)
    return [
        *("--sock", workers, "--sock-port", port),
        *("--udp", workers, "--udp-port", port + 2 * workers),
    ]


PROFILES = {"cpu": cpu, "memory": memory, "io": io, "network": network}
NAMES = ("none", *PROFILES, "sidecar")


def parse(text):
    """ "all", or loads in turn with commas between; loads together with "+"."""
    wanted = list(NAMES) if text == "all" else text.split(",")
    for load in wanted:
        for part in load.split("+"):
            if part not in NAMES:
                raise ValueError(f'no load "{part}"; there are: {" ".join(NAMES)}, all')
            if part == "none" and load != "none":
                raise ValueError(f'"{load}": none goes with nothing')
    return list(dict.fromkeys(wanted))


class Nothing:
    command = []
    beside = ()

    def __init__(self, options, seconds):
        del options, seconds

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def check(self):
        """Absent: it does not run any more."""


class StressNg(Nothing):
    def __init__(self, profile, options, seconds):
        super().__init__(options, seconds)
        self.profile = profile
        self.options = options
        self.seconds = seconds

    def __enter__(self):
        program = places.tool("stress-ng")
        if program is None:
            raise Absent("stress-ng is not installed: scripts/setup latency, or apt install it")
        # /tmp may be memory, and then nothing of it is I/O.
        disk = "/var/tmp" if os.access("/var/tmp", os.W_OK) else None
        self.folder = tempfile.TemporaryDirectory(prefix="rise-load-", dir=disk)
        workers = PROFILES[self.profile](len(self.options.all_cpus))
        # It ends by itself even if nobody is left to end it.
        self.command = [
            *(program, "--timeout", f"{int(self.seconds) + 300}s"),
            *("--temp-path", self.folder.name, *map(str, workers)),
        ]
        words = [*lane.on(self.options.all_cpus), *self.command]
        self.process = harness.Process(words, name="stress-ng")
        try:
            time.sleep(SETTLE_S)
            self.check()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.close()
        self.folder.cleanup()

    def check(self):
        if not self.process.alive():
            words = " ".join(self.process.output().split())[-300:]
            raise Absent(f"stress-ng has ended (exit code {self.process.wait()}): {words}")


class Sidecar(Nothing):
    """A second core with many quick machines on the other cores, which keeps several sidecars and
    views busy. In the lane's rounds its own region gets a sidecar and a view at full blast as well;
    that is more than cyclictest has to stand, never less."""

    MACHINES = 32
    SWEEP_MS = 2
    READERS = 3

    beside = (
        lambda region: [
            *(harness.BIN / "rise-sidecar", "--region", region),
            *("--name", "blast", "--heartbeat-ms", "1"),
        ],
        lambda region: lane.unheard(lane.top(region, "--interval-ms", "20")),
    )

    def __init__(self, options, seconds):
        super().__init__(options, seconds)
        # An ordinary thread on another core: it must not take the measured core from anybody.
        self.options = options.but(
            machines=self.MACHINES, cpu=options.other_cpus[0], priority=0, period_us=1000
        )
        self.controls = lane.Controls(self.options, "load", self.SWEEP_MS)

    def __enter__(self):
        cpus = self.options.other_cpus
        try:
            self.controls.__enter__()
            plant = self.controls.plant
            # Late it will be; nobody shall be benched or made safe for that.
            self.controls.start_core(driver_budget_us=1000, bench_after=0, trip_after=0)
            region = plant.region
            for i in range(self.READERS):
                reader = [harness.BIN / "rise-sidecar", "--region", region]
                reader += ["--name", f"blast-{i}", "--heartbeat-ms", "1"]
                plant.start([*lane.on(cpus), *reader])
            view = lane.unheard(lane.top(region, "--interval-ms", "20"))
            plant.start([*lane.on(cpus), *view], name="rise-top")
            time.sleep(SETTLE_S)
        except KeyboardInterrupt:
            self.controls.__exit__()
            raise
        except (RuntimeError, TimeoutError, subprocess.SubprocessError) as fault:
            self.controls.__exit__()
            raise Absent(f"the sidecar's load does not start: {fault}") from None
        self.command = [f"{self.MACHINES} machines swept every {self.SWEEP_MS} ms"]
        self.command += [f"{self.READERS} sidecars", "rise top every 20 ms"]
        return self

    def __exit__(self, *_):
        self.controls.__exit__()

    def check(self):
        for process in self.controls.plant.started:
            if not process.alive():
                words = " ".join(process.output().split())[-300:]
                raise Absent(f"{process.name} of the load has ended: {words}")


class Together(Nothing):
    def __init__(self, parts, options, seconds):
        super().__init__(options, seconds)
        self.parts = parts
        self.entered = []

    def __enter__(self):
        try:
            for part in self.parts:
                self.entered.append(part.__enter__())
        except BaseException:
            self.__exit__()
            raise
        self.command = [word for part in self.parts for word in [*part.command, ";"]][:-1]
        self.beside = tuple(word for part in self.parts for word in part.beside)
        return self

    def __exit__(self, *_):
        while self.entered:
            self.entered.pop().__exit__()

    def check(self):
        for part in self.parts:
            part.check()


def make(load, options, seconds):
    """A context manager that is the load for at most so many seconds."""
    parts = []
    for name in load.split("+"):
        if name == "none":
            parts.append(Nothing(options, seconds))
        elif name == "sidecar":
            parts.append(Sidecar(options, seconds))
        else:
            parts.append(StressNg(name, options, seconds))
    return parts[0] if len(parts) == 1 else Together(parts, options, seconds)
