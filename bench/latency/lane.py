"""Our lane: a core with simulated controls, watched through `rise top --json --histograms`.

The watching runs on other cores than the lane. What a round gives is the lane's own histogram since
its first cycle, as cyclictest's counts from its first one.
"""
import contextlib
import json
import subprocess
import time

from latency import places
from latency.histogram import Histogram

# Behind places, which tells the harness where the programs are.
import figures  # noqa: E402
import harness  # noqa: E402

UP_S = 60  # under load the machines may take long to connect
LOOK_S = 0.25  # `rise top --once` looks twice, so far apart


def listed(cpus):
    return ",".join(map(str, cpus))


def on(cpus):
    """A prefix that keeps a program on these cores."""
    return ["taskset", "-c", listed(cpus)]


def unheard(arguments):
    """The same program without its output."""
    return ["sh", "-c", 'exec "$@" >/dev/null', "sh", *arguments]


def top(region, *more):
    return [harness.BIN / "rise", "top", "--region", region, "--json", "--histograms", *more]


def snapshot(region, cpus):
    """How a core stands, or None: there is none."""
    try:
        done = subprocess.run(
            [*on(cpus), *map(str, top(region, "--once"))],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError("rise top does not answer within 60 s") from None
    return json.loads(done.stdout) if done.returncode == 0 else None


def histogram_of(found):
    """Of what `rise top --json --histograms` tells of one."""
    return Histogram([(b, t + 1, n) for b, t, n in found["buckets"]], found["max_ns"])


def wakeup(view):
    return histogram_of(view["lanes"][0]["histograms"]["wakeup"])


def views_of(text):
    """One for each line; the last one may be cut off."""
    views = []
    for line in text.splitlines():
        try:
            views.append(json.loads(line))
        except ValueError:
            break
    return views


def time_line(views):
    """[seconds since the lane's start, worst since the last view in us], out of views a second
    apart; the first one reaches back to the start."""
    line = []
    before = Histogram()
    for view in views:
        now = wakeup(view)
        fresh = now.since(before)
        if fresh.count:
            line.append([round(view["uptime_s"], 3), fresh.max_ns // 1000])
        before = now
    return line


class Controls:
    """Simulated controls that stay while cores come and go."""

    def __init__(self, options, name="latency", period_ms=10):
        self.options = options
        self.name = name
        self.period_ms = period_ms
        self.plant = None

    def __enter__(self):
        count = self.options.machines
        self.plant = harness.Plant(self.name)
        self.port = harness.free_ports(max(1, count))
        try:
            if count:
                controls = harness.control_toml("m", self.port, count=count)
                # Its cores are the others: how it wakes is none of the lane's latency.
                self.plant.start_simulator(controls, cpu=listed(self.options.other_cpus))
        except (RuntimeError, TimeoutError):
            self.plant.close()
            raise
        return self

    def __exit__(self, *_):
        if self.plant is not None:
            self.plant.close()

    def config(self, **lane):
        """Of a core with a machine for each control."""
        options = self.options
        keys = {"priority": options.priority, "cpu": options.cpu, **lane}
        text = figures.lane_toml(options.period_us, **keys)
        for i in range(options.machines):
            text += harness.machine_toml(f"m-{i + 1}", self.port + i, period_ms=self.period_ms)
        return text

    def start_core(self, **lane):
        core = self.plant.start_core(self.config(**lane), prefix=on(self.options.all_cpus))
        if self.options.machines:
            self.plant.wait_up(UP_S)
        return core

    def beside(self, programs):
        """Starts these on our region, on other cores: functions region -> arguments."""
        cpus, region = on(self.options.other_cpus), self.plant.region
        return [self.plant.start([*cpus, *map(str, made(region))]) for made in programs]

    def end(self, process):
        if process is not None:
            process.close()
            self.plant.started.remove(process)


class Round:
    """What one round of the lane has given."""

    def __init__(self, view, line):
        lane = view["lanes"][0]
        self.started_utc = time.time() - view["uptime_s"]
        self.histogram = wakeup(view)
        self.time_line = line
        self.scheduling = lane["scheduling"]
        self.shortfall = lane["shortfall"]
        self.dma_latency_held = lane["dma_latency_held"]
        self.counters = {
            name: lane["counters"][name]
            for name in ("cycles", "overruns", "skipped_cycles", "page_faults", "drivers_benched")
        }
        # What the lane has done meanwhile: sweeps of all its machines.
        self.counters["samples"] = sum(m["counters"]["samples"] for m in view["machines"])


@contextlib.contextmanager
def elsewhere(controls, beside=()):
    """A core with the same work, watched as the lane is, but of ordinary priority and on another core:
    so the machine is as busy in cyclictest's turn as in the lane's."""
    plant, cpus = controls.plant, controls.options.other_cpus
    started = []
    try:
        controls.start_core(priority=0, cpu=cpus[0])
        started += controls.beside(beside)
        watch = [*on(cpus), *top(plant.region, "--interval-ms", "1000")]
        started.append(plant.start(watch, name="rise-top"))
        yield
    finally:
        for process in reversed(started):
            controls.end(process)
        controls.end(plant.core)
        plant.core = None


def run(controls, seconds, beside=()):
    """A core for so many seconds from its first cycle. beside: programs on its region meanwhile,
    as Controls.beside takes them."""
    plant, cpus = controls.plant, controls.options.other_cpus
    started = []
    try:
        core = controls.start_core()
        started += controls.beside(beside)
        watch = plant.start(
            [*on(cpus), *top(plant.region, "--interval-ms", "1000")], name="rise-top"
        )
        started.append(watch)
        view = snapshot(plant.region, cpus)
        if view is not None:
            time.sleep(max(0.5, seconds - view["uptime_s"] - LOOK_S))
            view = snapshot(plant.region, cpus)
        if view is None:
            raise RuntimeError("the core has ended: " + core.output()[-500:])
        watch.stop()
        earlier = [v for v in views_of(watch.output()) if v["uptime_s"] < view["uptime_s"]]
        return Round(view, time_line([*earlier, view]))
    finally:
        for process in reversed(started):
            controls.end(process)
        controls.end(plant.core)  # also one that has only half started
        plant.core = None


def missing():
    """Why no lane can be measured here; empty: it can."""
    lost = places.missing_programs()
    return f"not there: {', '.join(lost)}; make build, or install the package" if lost else ""
