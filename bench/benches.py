"""The benches, by name. Each yields figures: name, value, unit; goal and met where there is one."""
import concurrent.futures
import re
import time

from figures import (
    ELSEWHERE,
    FIRST_CPU,
    LAST_CPU,
    cpu_seconds,
    figure,
    lane_toml,
    median,
    program,
    resident,
)
import harness
import redis_server
from latency import cyclictest, measure, summary
from latency.options import Options, cores
from network import datagrams, streams
from sidecar import kills, sidecar


def ring(full):
    """The broadcast ring between core and sidecar."""
    figures = program("ring", "full" if full else "short")
    for name, (value, unit) in figures.items():
        yield figure(
            name, value, unit, at_least=15e6 if name == "ring.small.frames_per_s" else None
        )


def bookkeeping(full):
    """What a cycle of 8 machines costs besides its work."""
    del full
    goals = {
        "bookkeeping.8_machines.ns_per_cycle": 300,
        "bookkeeping.8_machines.with_containment.ns_per_cycle": 300,
        "bookkeeping.ns_per_contained_driver": 50,
    }
    for name, (value, unit) in program("bookkeeping").items():
        yield figure(
            name,
            value,
            unit,
            at_most=goals.get(name),
        )


def bus(full):
    """The message bus within one process: 256-byte messages to 10 consumers by wildcards."""
    goals = {
        "bus.routed.messages_per_s": {"at_least": 500_000},
        "bus.routed.errors": {"at_most": 0},
        "bus.latency.p99_us": {"at_most": 1000},
        "bus.latency.errors": {"at_most": 0},
    }
    for name, (value, unit) in program("bus", "full" if full else "short").items():
        yield figure(name, value, unit, **goals.get(name, {}))


def packing(full):
    """Telemetry as JSON, packed by zstd in batches of 1 to 256, without and with a trained dictionary."""
    del full
    for name, (value, unit) in program("packing").items():
        yield figure(name, value, unit)


def recording(full):
    """What recording a lane of 8 busy machines adds to its cycle."""
    del full
    for name, (value, unit) in program("recording").items():
        yield figure(name, value, unit)


def recorder(full):
    """100 000 signals/s of 100 machines into MCAP files; CPU of the recorder, what zstd makes of it."""
    for name, (value, unit) in program("recorder", 60 if full else 20).items():
        yield figure(name, value, unit, at_most=10 if "share_of_core" in name else None)


def telemetry(full):
    """17 sensors of 3 channels at 10 kHz into the sensor driver alone, fed in memory."""
    for name, (value, unit) in program("telemetry", "full" if full else "short").items():
        yield figure(
            name,
            value,
            unit,
            at_least=500e3 if name.endswith(".samples_per_s") else None,
            at_most=10 if name.endswith(".share_of_core_percent") else None,
        )


def store(full):
    """The store-and-forward log: records of 256 bytes; recovery (short runs: of 256 MiB)."""
    # The goal is for 1 GB; a quarter of it has a quarter of the time. How long it takes to read all of it
    # from a cold disk is the disk's business.
    recovery_s = 5 if full else 1.25
    timed = r"store\.recovery_[^.]+\.(open_s|checked_s|cold\.open_s)"
    for name, (value, unit) in program("store", "full" if full else "short").items():
        yield figure(
            name,
            value,
            unit,
            at_least=200e3
            if re.fullmatch(r"store\.append_(batches\.)?records_per_s", name)
            else None,
            at_most=recovery_s if re.fullmatch(timed, name) else None,
        )


def containment(full):
    """A driver call with guard, seal and watchdog; from a driver's fault back to the lane."""
    del full
    for name, (value, unit) in program("containment").items():
        yield figure(name, value, unit, at_most=50 if "cost_per_call" in name else None)


# 22 reads of one path with four axes.
SWEPT = [
    *("status", "alarms", "feed", "spindle.speed", "spindle.load", "servo.load"),
    *("program.number", "program.sequence", "program.block", "program.name"),
    *("modal.f", "modal.s", "modal.t", "macro.500", "macro.501"),
    *("timer.cutting", "timer.cycle", "parts.count", "position.absolute"),
]


def sweep(full):
    """22 items of one path, on a quick and a slow control: call per item, packed, one frame; and our lane."""
    port = harness.free_ports(2)
    seconds = 5 if full else 2
    with harness.Plant("bench-sweep") as plant:
        axes = ("X", "Y", "Z", "A")
        plant.start_simulator(
            harness.control_toml("quick", port, axes=axes)
            + harness.control_toml("slow", port + 1, axes=axes, service_us=1000)
        )
        for label, at in (("quick", port), ("slow_1ms", port + 1)):
            figures = program("sweep", "127.0.0.1", at, seconds, label)
            for name, (value, unit) in figures.items():
                yield figure(name, value, unit)
            base = f"sweep.{label}."
            single = figures[base + "call_per_item.sweeps_per_s"][0]
            for way in ("packed", "one_frame"):
                rate = figures[base + way + ".sweeps_per_s"][0]
                yield figure(base + way + ".times_call_per_item", rate / single, "x", at_least=3)
        # The same control and as much, by the driver on a lane: a frame leaves and arrives with a cycle.
        for way, more in (("packed", ""), ("one_frame", "max_blocks = 64\nmax_reply_bytes = 4960")):
            machine = harness.machine_toml("m", port + 1, 1, SWEPT, axes, more)
            core = plant.start_core(lane_toml(250) + machine)
            plant.wait_up()
            before = plant.machine("m")["counters"]
            time.sleep(seconds)
            after = plant.machine("m")
            rate = (after["counters"]["samples"] - before["samples"]) / seconds
            frames = (after["counters"]["sent"] - before["sent"]) / (rate * seconds)
            base = f"sweep.slow_1ms.lane.{way}."
            yield figure(base + "round_trips", frames)
            yield figure(base + "sweeps_per_s", rate, "1/s")
            yield figure(base + "times_call_per_item", rate / single, "x", at_least=3)
            core.stop()


def exchange(full):
    """When the lane talks to the network: round trip of a sweep at 1 ms period, both orders."""
    for order in ("after_judge", "first"):
        port = harness.free_ports(1)
        with harness.Plant("bench-exchange") as plant:
            plant.start_simulator(harness.control_toml("a", port))
            plant.start_core(lane_toml(exchange=order) + harness.machine_toml("a", port))
            plant.wait_up()
            time.sleep(10 if full else 3)
            trip = plant.machine("a")["round_trip"]
            yield figure(f"exchange.{order}.round_trip.p50_us", trip["p50_ns"] / 1000, "us")
            yield figure(f"exchange.{order}.round_trip.p99_us", trip["p99_ns"] / 1000, "us")


def wakeup(full):
    """Wake-up latency of a lane with 8 machines beside cyclictest: same priority, period, core; in turn.

    The machines are polled in both turns, in cyclictest's by a core of ordinary priority elsewhere. More of
    this, under load and with plots: scripts/latency.
    """
    rounds, seconds = (9, 30) if full else (5, 8)
    options = Options(seconds=seconds, rounds=rounds, cpu=LAST_CPU, **cores(LAST_CPU))
    run = measure.Measurement(options, ["none"], lambda _: None).run()
    if run.interrupted:
        raise KeyboardInterrupt
    loads = summary.loads_of({"measurements": run.measurements})
    if not loads or not loads[0].pairs("p50"):
        raise RuntimeError("; ".join(run.remarks))
    for name in ("p50", "p99", "p99.9"):
        for subject in ("cyclictest", "lane"):
            value = loads[0].estimate(subject, name).value
            yield figure(f"wakeup.{name}.{subject}_us", value, "us")
        yield figure(f"wakeup.{name}.ratio", loads[0].ratio(name).value, "x", at_most=1.1)
    yield figure("wakeup.rounds", len(loads[0].pairs("p50")))


def stop(full):
    """From stop word, feed hold, `rise stop` to the control's outputs; a lane of 8 machines."""
    count = 500 if full else 100
    port = harness.free_ports(8)
    outputs = 'safe = ["pmc.R100=1"]\nfeed_hold = "pmc.R101=1"\n'
    controls = harness.control_toml("a", port) + harness.control_toml("m", port + 1, count=7)
    names = ("a", *(f"m-{i}" for i in range(1, 8)))
    machines = "".join(
        harness.machine_toml(name, port + i, more=outputs) for i, name in enumerate(names)
    )
    with harness.Plant("bench-stop") as plant:
        plant.start_simulator(controls, cpu=FIRST_CPU)
        plant.start_core(lane_toml() + machines)
        plant.start_sidecar()
        plant.wait_up()
        # Two cycles of a millisecond; and one more for the way.
        limits = {"stop.word_to_cycle.p99_ms": 2, "stop.word_to_control.p99_ms": 3}
        found = program("stop", plant.region, plant.folder / "control", count)
        for name, (value, unit) in found.items():
            yield figure(name, value, unit, at_most=limits.get(name))
        times = []
        for _ in range(count // 5):
            plant.rise("stop", "--region", plant.region, "--clear")
            plant.rise("reset", "--region", plant.region, "all")
            begin = time.monotonic()
            if plant.rise("stop", "--region", plant.region).returncode != 0:
                raise RuntimeError("a stop was not confirmed")
            times.append(1000 * (time.monotonic() - begin))
        # The whole command: the program's start, the word, all confirmations.
        yield figure("stop.command.p50_ms", median(times), "ms")


def simulator(full):
    """How soon a simulated control answers, in memory."""
    del full
    for name, (value, unit) in program("simulator").items():
        yield figure(name, value, unit, at_most=20 if name.endswith("p50_us") else None)


def sensors(full):
    """600 000 samples/s of 8 sensors into one lane; its missed cycles beside cyclictest's, in turn.

    The samples come in both turns, in cyclictest's to a core of ordinary priority elsewhere."""
    rounds, seconds = (9, 30) if full else (5, 8)
    count, rate_hz, samples = 8, 25000, 118
    port = harness.free_udp_port()
    sensor = f'kind = "vibration"\nrate_hz = {rate_hz}.0\n'
    played = f'[[sensor]]\nname = "s"\nid = 1\ncount = {count}\nsamples = {samples}\n' + sensor
    config = '[[machine]]\nname = "cell"\ndriver = "telemetry"\n'
    config += f"[machine.telemetry]\nport = {port}\nstatistics_ms = 100\nmax_age_ms = 60000\n"
    for i in range(1, count + 1):
        config += f'[[machine.telemetry.sensor]]\nid = {i}\nname = "s{i}"\nunit = "m/s2"\n'
        config += sensor + "window = 1024\nbands = [[10, 100], [100, 1000], [1000, 5000]]\n"
    beside = Options(seconds=seconds, cpu=LAST_CPU, **cores(LAST_CPU))
    reference, missed, rates, losses, works = [], [], [], [], []
    with harness.Plant("bench-sensors") as plant:
        for _ in range(rounds):
            other = plant.start_core(lane_toml(**ELSEWHERE) + config)
            with concurrent.futures.ThreadPoolExecutor() as pool:
                playing = pool.submit(plant.play_sensors, played, port, seconds + 1, cpu=FIRST_CPU)
                counts, _ = cyclictest.run(beside)
                playing.result()
            other.stop()
            reference.append(1e6 * counts.above(1_000_000) / counts.count)
            core = plant.start_core(lane_toml() + config)
            said = plant.play_sensors(played, port, seconds, cpu=FIRST_CPU)
            time.sleep(0.5)
            lane = plant.view()["lanes"][0]
            lost = said["sent"] - plant.signal("cell", "telemetry.received")["value"]
            core.stop()
            cycles = lane["counters"]["cycles"]
            missed.append(1e6 * lane["counters"]["overruns"] / cycles)
            rates.append(said["sent"] * samples * 3 / seconds)
            losses.append(lost)
            works.append(lane["histograms"]["cycle"]["p99_ns"] / 1000)
    yield figure("sensors.samples_per_s", min(rates), "1/s", at_least=500e3)
    yield figure("sensors.datagrams_lost", max(losses), "", at_most=0)
    yield figure("sensors.cycle.p99_us", median(works), "us")
    yield figure("sensors.cyclictest.missed_per_million", median(reference))
    yield figure("sensors.lane.missed_per_million", median(missed))
    more = median(missed) - median(reference)
    yield figure("sensors.missed_beyond_cyclictest_per_million", more, "", at_most=0)


def cycle_counts(full):
    """8 machines, 10 ms sweeps, 1 ms lane: allocations, page faults, system calls per cycle."""
    del full
    port = harness.free_ports(8)
    controls = harness.control_toml("m", port, count=8)
    machines = "".join(harness.machine_toml(f"m{i}", port + i) for i in range(8))
    with harness.Plant("bench-counts") as plant:
        plant.start_simulator(controls, cpu=FIRST_CPU)
        core = plant.start_core(
            lane_toml() + machines, env={"LD_PRELOAD": str(harness.GUARD), "RISE_GUARD": "count"}
        )
        plant.wait_up()
        counts = harness.count_syscalls(plant, 12)
        yield figure("cycle.cycles_counted", counts["cycles"], "", at_least=10000)
        yield figure(
            "cycle.syscalls_per_cycle", counts["syscalls"] / counts["cycles"], "", at_most=2
        )
        lane = plant.view()["lanes"][0]["counters"]
        yield figure("cycle.page_faults", lane["page_faults"], "", at_most=0)
        core.stop()
        forbidden = int(re.search(r"guard: (\d+) forbidden", core.output()).group(1))
        yield figure("cycle.forbidden_calls", forbidden, "", at_most=0)


def machines(full):
    """200 machines at 100 sweeps/s each on one lane, the simulator on another core."""
    count = 200
    seconds = 30 if full else 10
    port = harness.free_ports(count)
    config = "".join(harness.machine_toml(f"m{i}", port + i) for i in range(count))
    with harness.Plant("bench-machines") as plant:
        plant.start_simulator(harness.control_toml("m", port, count=count), cpu=FIRST_CPU)
        plant.start_core(lane_toml(driver_budget_us=1000) + config)
        plant.start_sidecar()
        plant.wait_up(30)
        time.sleep(2)
        before, cpu_before, at = plant.view(), cpu_seconds(plant), time.monotonic()
        time.sleep(seconds)
        after, cpu_after, elapsed = plant.view(), cpu_seconds(plant), time.monotonic() - at

        def total(view, key):
            return sum(m["counters"][key] for m in view["machines"])

        def lane(view, key):
            return view["lanes"][0]["counters"][key]

        samples = total(after, "samples") - total(before, "samples")
        yield figure("machines.count", count)
        yield figure("machines.sweeps_per_s", samples / elapsed, "1/s", at_least=count * 100 * 0.98)
        late = total(after, "late_samples") - total(before, "late_samples")
        yield figure("machines.late_sweeps", late, "", at_most=0)
        cycles = lane(after, "cycles") - lane(before, "cycles")
        yield figure(
            "machines.overruns_per_1000_cycles",
            1000 * (lane(after, "overruns") - lane(before, "overruns")) / cycles,
        )
        yield figure(
            "machines.cycle.p99_us", after["lanes"][0]["histograms"]["cycle"]["p99_ns"] / 1000, "us"
        )
        for name in ("core", "simulator", "sidecar"):
            yield figure(
                f"machines.{name}.cpu_percent",
                100 * (cpu_after[name] - cpu_before[name]) / elapsed,
                "%",
            )
        sidecar = next(r for r in after["readers"] if r["name"] == "sidecar")
        yield figure("machines.frames_lost_by_sidecar", sidecar["lost"], "", at_most=0)
        memory = resident(plant.core.pid)
        yield figure("memory.core.outside_region_mib", memory["outside"] / 1024, "MiB", at_most=48)
        yield figure("memory.region_mib", after["region_bytes"] / 2**20, "MiB")


def redis(full):
    """XADD of whole messages and LPUSH, 256-byte values, beside redis-benchmark with the same command, in turn."""
    count, rounds = (400_000, 9) if full else (100_000, 5)
    value = "x" * 256
    # As the adapter writes a message (plugins/redis/fields.hpp).
    message = ["XADD", "rise:stream:bench", "MAXLEN", "~", "10000", "*"]
    message += ["id", "018f3c2a-7b1e-7abc-8def-0123456789ab", "topic", "bench/value"]
    message += ["type", "Telemetry", "source", "bench", "time", "2026-01-31T12:00:00.000000001Z"]
    message += ["encoding", "bytes", "payload", value]
    push = ["LPUSH", "bench:list", value]
    # Name, how, depth, in how many batches, command, goal. As many unanswered either way: in two batches, as
    # the bus sends, one is made while Redis works on the other; redis-benchmark has nothing to make.
    ways = (
        ("xadd.depth_16", "adapter", 16, 1, message, 0.8),
        ("xadd.depth_128", "adapter", 128, 2, message, 0.8),
        ("xadd.depth_128.one_batch", "adapter", 128, 1, message, None),
        ("lpush.depth_16", "router_lpush", 16, 1, push, 0.8),
        ("lpush.depth_128", "router_lpush", 128, 1, push, 0.8),
        ("lpush.queues.depth_16", "queues", 16, 1, push, None),
        ("lpush.queues.depth_128", "queues", 128, 1, push, None),
    )
    on_cpu = ["taskset", "-c", str(LAST_CPU)]
    server = redis_server.Server(prefix=["taskset", "-c", str(FIRST_CPU)])
    try:
        for name, way, depth, batches, command, goal in ways:
            ours, theirs = [], []
            for _ in range(rounds):
                server.do("FLUSHALL")
                theirs.append(redis_server.benchmark(server.port, depth, count, command, on_cpu))
                server.do("FLUSHALL")
                said = program("redis", server.port, way, depth, count, batches, prefix=on_cpu)
                ours.append(said["rate"][0])
            base = f"redis.{name}."
            ratio = median([ours[i] / theirs[i] for i in range(rounds)])
            yield figure(base + "commands_per_s", median(ours), "1/s")
            yield figure(base + "redis_benchmark_per_s", median(theirs), "1/s")
            yield figure(base + "to_redis_benchmark", ratio, "x", at_least=goal)
    finally:
        server.close()


ALL = {
    bench.__name__: bench
    for bench in (
        ring,
        bookkeeping,
        containment,
        recording,
        bus,
        recorder,
        telemetry,
        simulator,
        sensors,
        sweep,
        exchange,
        wakeup,
        stop,
        cycle_counts,
        machines,
        datagrams,
        streams,
        store,
        redis,
        packing,
        sidecar,
        kills,
    )
}
