"""Benches of the sidecar as a whole: what it takes, and what it costs when it is killed."""
import json
import os
import signal
import threading
import time

from figures import FIRST_CPU, figure, lane_toml, median, resident
import harness
import redis_server

DRIVERS = (harness.OUT / "tests" / "drivers").resolve()
STREAM = "rise:stream:telemetry"


def plugin(name, **settings):
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    return f'[[plugin]]\nname = "{name}"\n[plugin.{name}]\n{lines}'


def start(plant, machines, plugins):
    """A core with these machines; -> the sidecar's config."""
    text = f'driver_path = "{DRIVERS}"\n' + lane_toml() + machines
    plant.start_core(text)
    return plant.write("sidecar.toml", f'[core]\nname = "{plant.region}"\n{text}{plugins}')


def start_sidecar(plant, config):
    """Off the lane's core from its first moment on, as isolcpus would have it."""
    plant.sidecar = plant.start(
        ["taskset", "-c", str(FIRST_CPU), harness.BIN / "rise-sidecar"]
        + ["--region", plant.region, "--config", config],
        name="rise-sidecar",
    )
    return plant.sidecar


def to_redis(plant, server, **settings):
    return plugin(
        "redis",
        port=server.port,
        publish=["telemetry/#"],
        store=str(plant.folder / "store"),
        **settings,
    )


def sidecar(full):
    """100 000 signals/s through it: recorded, and into Redis Streams as JSON; what it has resident."""
    why = redis_server.WHY
    if why:
        yield figure("sidecar.skipped", why)
        return
    seconds = 60 if full else 15
    server = redis_server.Server(prefix=["taskset", "-c", str(FIRST_CPU)])
    try:
        with harness.Plant("bench-sidecar") as plant:
            recordings = plant.folder / "recordings"
            recordings.mkdir()
            plugins = to_redis(plant, server, stream_max_entries=10_000)
            plugins += plugin("recorder", folder=str(recordings), min_free_mib=0)
            config = start(plant, '[[machine]]\nname = "all"\ndriver = "floods"\n', plugins)
            process = start_sidecar(plant, config)
            time.sleep(3)
            samples = []
            reader = lambda: next(r for r in plant.view()["readers"] if r["name"] == "sidecar")
            first, began = reader(), time.monotonic()
            while time.monotonic() - began < seconds:
                samples.append(resident(process.pid))
                time.sleep(0.5)
            last, took = reader(), time.monotonic() - began
            entries = server.do("XINFO", "STREAM", STREAM)
            added = dict(zip(entries[::2], entries[1::2]))["entries-added"]
            # 500 signals in 8 pages of 64.
            rate = (last["frames"] - first["frames"]) * 500 / 8 / took
            yield figure("sidecar.signals_per_s", rate, "1/s", at_least=99e3)
            yield figure("sidecar.frames_lost", last["lost"], "", at_most=0)
            yield figure("sidecar.frames_in_redis_per_s", added / (took + 3), "1/s")
            total = max(s["outside"] + s["shared"] for s in samples) / 1024
            yield figure("sidecar.resident_mib", total, "MiB", at_most=100)
            yield figure(
                "sidecar.resident_without_region_mib",
                max(s["outside"] for s in samples) / 1024,
                "MiB",
            )
    finally:
        server.close()


class Killer:
    """Kills a process every two seconds, and starts it anew at once."""

    def __init__(self, first, start):
        self.process, self.start = first, start
        self.kills = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(2):
            self.process.stop(signal.SIGKILL)
            self.process = self.start()
            self.kills += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def missed_per_million(plant, seconds):
    before = plant.view()["lanes"][0]["counters"]
    time.sleep(seconds)
    after = plant.view()["lanes"][0]["counters"]
    cycles = after["cycles"] - before["cycles"]
    return 1e6 * (after["overruns"] - before["overruns"]) / cycles


def kills(full):
    """kill -9 of the sidecar every 2 s: frames lost or twice behind it; missed cycles in the core, in turn.

    Beside: nothing is killed; and a sidecar that is not attached to this core is, which shows what starting
    and killing a process costs the lane on this machine anyway."""
    why = redis_server.WHY
    if why:
        yield figure("kills.skipped", why)
        return
    rounds, seconds = (6, 20) if full else (3, 8)
    machines = "".join(
        f'[[machine]]\nname = "m{i}"\ndriver = "misbehaves"\n'
        '[machine.misbehaves]\nhow = "none"\nafter = 1\n'
        for i in range(4)
    )
    server = redis_server.Server(prefix=["taskset", "-c", str(FIRST_CPU)])
    before = os.sched_getaffinity(0)
    try:
        with harness.Plant("bench-kills") as plant:
            config = start(plant, machines, to_redis(plant, server, guarantee="exactly_once"))
            # Nor is what measures in the lane's way.
            os.sched_setaffinity(0, {FIRST_CPU})
            elsewhere = plant.write(
                "other.toml", '[core]\nname = "nobody"\n[[lane]]\nname = "main"\n'
            )

            def start_other():
                return plant.start(
                    [harness.BIN / "rise-sidecar", "--config", elsewhere], name="rise-sidecar"
                )

            sidecar, other = start_sidecar(plant, config), start_other()
            time.sleep(2)
            found, count = {"nothing": [], "another": [], "sidecar": []}, 0
            for _ in range(rounds):
                found["nothing"].append(missed_per_million(plant, seconds))
                with Killer(other, start_other) as killer:
                    found["another"].append(missed_per_million(plant, seconds))
                other = killer.process
                with Killer(sidecar, lambda: start_sidecar(plant, config)) as killer:
                    found["sidecar"].append(missed_per_million(plant, seconds))
                sidecar = killer.process
                count += killer.kills
            # What is still on its way.
            published = plant.view()["lanes"][0]["counters"]["frames_published"]
            end = time.monotonic() + 20
            while server.do("XLEN", STREAM) < published and time.monotonic() < end:
                time.sleep(0.1)
            plant.core.stop()
            time.sleep(1)
            lost, twice, repeated = consume(server)
            yield figure("kills.kills", count)
            yield figure("kills.frames_published", published)
            yield figure("kills.frames_lost", lost, "", at_most=0)
            yield figure("kills.frames_twice", twice, "", at_most=0)
            yield figure("kills.entries_repeated", repeated)
            for what, missed in found.items():
                yield figure(f"kills.missed_per_million.{what}", median(missed))
            more = median([a - b for a, b in zip(found["sidecar"], found["another"])])
            yield figure("kills.missed_beyond_another_per_million", more, "", at_most=0)
    finally:
        os.sched_setaffinity(0, before)
        server.close()


def consume(server):
    """As an exactly-once consumer: each id once. -> frames lost, frames twice, entries that it has dropped."""
    ids, numbers, twice, repeated = set(), {}, 0, 0
    for entry in map(dict, server.entries(STREAM)):
        if entry["id"] in ids:
            repeated += 1
            continue
        ids.add(entry["id"])
        seen = numbers.setdefault(entry["topic"], set())
        number = json.loads(entry["payload"])["sequence"]
        twice += number in seen
        seen.add(number)
    lost = sum(max(seen) - min(seen) + 1 - len(seen) for seen in numbers.values())
    return lost, twice, repeated
