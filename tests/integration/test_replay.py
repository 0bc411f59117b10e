#!/usr/bin/python3
"""A lane recorded by the real core over real TCP, and played back: the same digests, every time."""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

from common import LANE, harness

MACHINES = 3
REPLAY = harness.BIN / "rise-replay"
PREFIX = 20  # of the file, before its head
BLOCK = 16  # of a block, before its content
# How the frames of a sweep begin.
REQUEST = bytes.fromhex("a0a0a0a000012101")
REPLY = bytes.fromhex("a0a0a0a000042102")


def crc32c(data):
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
        table.append(i)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def blocks(data):
    """Where each block begins, and the length of its content."""
    at = PREFIX + struct.unpack_from("<I", data, 12)[0]
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 4)[0]
        yield at, length
        at += BLOCK + length


def repaired(data, place):
    """The check sum of the block with this byte made right again."""
    data = bytearray(data)
    at, length = next((a, n) for a, n in blocks(data) if a + BLOCK <= place < a + BLOCK + n)
    content = data[at + 4 : at + 12] + data[at + BLOCK : at + BLOCK + length]
    struct.pack_into("<I", data, at + 12, crc32c(content))
    return bytes(data)


def play(file, *arguments, timeout=60):
    done = subprocess.run(
        [REPLAY, file, "--region", f"replay-{os.getpid()}", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    return done.returncode, done.stdout, done.stderr


class Recorded(unittest.TestCase):
    """One recording of some seconds, with commands and a stop; every test plays it."""

    @classmethod
    def setUpClass(cls):
        cls.plant = plant = harness.Plant("replay")
        cls.addClassCleanup(plant.close)
        cls.file = plant.folder / "main.rec"
        port = harness.free_ports(MACHINES)
        plant.start_simulator(harness.control_toml("m", port, count=MACHINES))
        plant.start_core(
            LANE
            + f'record = "{cls.file}"\n'
            + "".join(harness.machine_toml(f"m-{i + 1}", port + i) for i in range(MACHINES))
        )
        plant.start_sidecar()
        plant.wait_up()
        plant.rise("arm", "--region", plant.region, "all")
        plant.rise("hold", "--region", plant.region, "m-2")
        time.sleep(1.5)
        plant.rise("stop", "--region", plant.region)
        plant.rise("stop", "--region", plant.region, "--clear")
        # Down, and up again: both ends of a stream.
        plant.simulator.stop()
        time.sleep(0.5)
        plant.start_simulator(harness.control_toml("m", port, count=MACHINES))
        plant.wait_up()
        time.sleep(0.5)
        health = plant.view()
        cls.before_stop = {
            "frames": health["lanes"][0]["counters"]["frames_published"],
            "cycles": health["lanes"][0]["counters"]["cycles"],
        }
        cls.exit_code = plant.core.stop()
        cls.data = cls.file.read_bytes()

    def write(self, name, data):
        path = self.plant.folder / name
        path.write_bytes(data)
        return path

    def test_it_comes_out_as_it_was_twice(self):
        self.assertEqual(self.exit_code, 0, self.plant.core.output())
        code, out, err = play(self.file, "--json")
        self.assertEqual(code, 0, out + err)
        first = json.loads(out)
        self.assertEqual(first["divergences"], 0)
        self.assertTrue(first["complete"], first["end"])
        self.assertGreaterEqual(first["frames"], self.before_stop["frames"])
        self.assertGreaterEqual(first["cycles"], self.before_stop["cycles"])
        # With each of them the live core's digest was compared.
        self.assertGreater(first["compared"], 300)
        self.assertGreaterEqual(first["results"], MACHINES + 1)
        code, out, _ = play(self.file, "--json")
        second = json.loads(out)
        for key in ("frame_digest", "other_digest", "cycles", "frames", "events", "bytes_out"):
            self.assertEqual(second[key], first[key], key)

    def test_the_verb_of_rise_and_its_text(self):
        done = self.plant.rise(
            "replay", self.file, "--events", "-r", f"replay-{os.getpid()}", timeout=60
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("everything as recorded", done.stdout)
        self.assertIn("tripped: stop word", done.stderr)
        done = self.plant.rise("replay", self.file, "--info")
        self.assertEqual(done.returncode, 0)
        self.assertIn('name = "m-2"', done.stdout)

    def test_at_the_speed_of_life_it_can_be_watched(self):
        region = f"watched-{os.getpid()}"
        process = self.plant.start(
            [REPLAY, self.file, "--speed", "1", "--until", "3", "-r", region], name="rise-replay"
        )

        def view():
            done = self.plant.rise("top", "--region", region, "--once", "--json")
            return json.loads(done.stdout) if done.returncode == 0 else None

        harness.wait_until(lambda: view() or not process.alive(), 10, "its region")

        def up():
            seen = view()
            return seen and all(m["link"] == "up" for m in seen["machines"])

        harness.wait_until(lambda: up() or not process.alive(), 10, "its machines are up")
        self.assertEqual(process.wait(20), 0, process.output())
        speed = float(re.search(r"([\d.]+) times as fast", process.output()).group(1))
        self.assertLess(speed, 1.05)
        self.assertIn("as far as --until says", process.output())

    def test_a_changed_byte_is_refused_and_with_the_check_sum_repaired_it_is_noticed(self):
        for name, begin in (("request", REQUEST), ("reply", REPLY)):
            place = self.data.rfind(begin, 0, len(self.data) * 3 // 4)
            self.assertGreater(place, len(self.data) // 4, name)
            bad = bytearray(self.data)
            bad[place + 1] ^= 0x10
            code, _, err = play(self.write(f"{name}.rec", bytes(bad)))
            self.assertEqual(code, 2)
            self.assertIn("damaged: a block has the wrong check sum", err)
            code, out, err = play(self.write(f"{name}.rec", repaired(bad, place)))
            self.assertEqual(code, 1, name + out + err)
            self.assertIn("DIFFERENCES", out)

    def test_a_file_that_is_cut_off_plays_as_far_as_it_goes(self):
        cut = self.write("cut.rec", self.data[: len(self.data) * 2 // 3])
        code, out, err = play(cut, "--json")
        self.assertEqual(code, 0, out + err)
        told = json.loads(out)
        self.assertIn("cut off", told["end"])
        self.assertFalse(told["complete"])
        self.assertGreater(told["cycles"], 500)
        self.assertEqual(told["divergences"], 0)

    def test_another_version_or_schema_is_refused_with_a_reason(self):
        version = bytearray(self.data)
        version[8] += 1
        code, _, err = play(self.write("version.rec", bytes(version)))
        self.assertEqual(code, 2)
        self.assertIn("version 2; this program reads version 1", err)
        schema = bytearray(self.data)
        schema[PREFIX] ^= 1
        length = struct.unpack_from("<I", schema, 12)[0]
        struct.pack_into("<I", schema, 16, crc32c(schema[PREFIX : PREFIX + length]))
        code, _, err = play(self.write("schema.rec", bytes(schema)))
        self.assertEqual(code, 2)
        self.assertIn("message schema", err)
        code, _, err = play(self.write("none.rec", b"[core]\n" * 100))
        self.assertEqual(code, 2)
        self.assertIn("is no recording", err)

    def test_with_another_config_differences_are_counted_only(self):
        config = self.plant.folder / "rise.toml"
        text = config.read_text()
        other = self.plant.write("other.toml", text.replace("period_ms = 10", "period_ms = 20"))
        code, out, err = play(self.file, "--config", other, "--json")
        self.assertEqual(code, 0, out + err)
        self.assertGreater(json.loads(out)["divergences"], 10)
        bad = self.plant.write("bad.toml", text + "nonsense = 1\n")
        code, _, err = play(self.file, "--config", bad)
        self.assertEqual(code, 2)
        self.assertIn("nonsense", err)

    def test_bad_usage(self):
        self.assertEqual(play(self.file, "--speed", "0")[0], 64)
        self.assertEqual(play(self.file, "--until", "x")[0], 64)
        self.assertEqual(play(self.plant.folder / "nothing.rec")[0], 2)


class Drivers(unittest.TestCase):
    """Sensors over UDP, drivers that crash, loop and are started anew, a reload."""

    def test_it_all_comes_out_as_it_was(self):
        plant = harness.Plant("replay-drivers")
        self.addCleanup(plant.close)
        drivers = plant.folder / "drivers"
        drivers.mkdir()
        shutil.copy(harness.OUT / "tests" / "drivers" / "misbehaves.so", drivers)
        for name in ("focas", "telemetry"):
            shutil.copy(harness.OUT / "lib" / "rise" / "drivers" / f"{name}.so", drivers)
        port = harness.free_ports(2)
        file = plant.folder / "a.rec"
        plant.start_simulator(harness.control_toml("a", port))
        sensors = plant.write(
            "sensors.toml",
            f'[target]\nport = {port + 1}\n[[sensor]]\nname = "v"\nid = 1\nkind = "vibration"\n'
            'format = "float32"\nchannels = 3\nrate_hz = 10000.0\nsamples = 100\nnoise = 0.5\n'
            '[[sensor.fault]]\nkind = "reorder"\nprobability = 0.02\namount = 2\n',
        )
        bad = "".join(
            f'[[machine]]\nname = "{how}"\ndriver = "misbehaves"\n'
            f'[machine.misbehaves]\nhow = "{how.replace("-", "_")}"\nafter = 700\n'
            for how in ("none", "write-null", "loop")
        )
        plant.start_core(
            f'driver_path = "{drivers}"\n{LANE}record = "{file}"\nio = "nonblocking"\n'
            "retry_s = 1\nstuck_after = 20\n"
            + harness.machine_toml("a", port)
            + '[[machine]]\nname = "s"\ndriver = "telemetry"\n'
            f"[machine.telemetry]\nport = {port + 1}\n"
            '[[machine.telemetry.sensor]]\nid = 1\nname = "v"\nkind = "vibration"\nchannels = 3\n'
            "rate_hz = 10000\nwindow = 1024\nhop = 512\nbands = [[10, 100], [100, 5000]]\n" + bad
        )
        plant.start_sidecar()
        plant.start([harness.BIN / "sensorsim", "--config", sensors, "--quiet"])
        for name in ("a", "s"):
            plant.wait_machine(name, lambda m: m["link"] == "up", 15, "up")
        done = plant.rise("driver", "reload", "a", "--region", plant.region)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        plant.rise("driver", "reload", "none", "--region", plant.region)
        (drivers / "new.so").write_text("this is no library")
        (drivers / "new.so").replace(drivers / "misbehaves.so")
        plant.rise("driver", "reload", "none", "--region", plant.region)
        time.sleep(3)
        self.assertEqual(plant.core.stop(), 0)
        shutil.copy(harness.OUT / "tests" / "drivers" / "misbehaves.so", drivers / "new.so")
        (drivers / "new.so").replace(drivers / "misbehaves.so")
        said = plant.core.output()
        for words in ("segmentation fault", "endless loop", "started anew", "is no shared object"):
            self.assertIn(words, said)
        code, out, err = play(file, "--drivers", drivers, "--stuck", "0.3", "--json", "--events")
        self.assertEqual(code, 0, said + out + err)
        told = json.loads(out)
        self.assertTrue(told["complete"])
        self.assertGreater(told["frames"], 500)


class Lanes(unittest.TestCase):
    def test_each_lane_has_a_recording_of_its_own(self):
        plant = harness.Plant("replay-lanes")
        self.addCleanup(plant.close)
        port = harness.free_ports(2)
        files = [plant.folder / "first.rec", plant.folder / "second.rec"]
        plant.start_simulator(harness.control_toml("a", port))
        sensors = plant.write(
            "sensors.toml",
            f'[target]\nport = {port + 1}\n[[sensor]]\nname = "t"\nid = 2\nkind = "temperature"\n'
            'format = "float32"\nchannels = 1\nrate_hz = 100.0\nsamples = 1\nnoise = 0.5\n',
        )
        plant.start_core(
            f'{LANE}record = "{files[0]}"\nexchange = "first"\n'
            f'[[lane]]\nname = "other"\nperiod_us = 500\nrecord = "{files[1]}"\n'
            + harness.machine_toml("a", port)
            + '[[machine]]\nname = "s"\nlane = "other"\ndriver = "telemetry"\n'
            f"[machine.telemetry]\nport = {port + 1}\n"
            '[[machine.telemetry.sensor]]\nid = 2\nname = "t"\nkind = "temperature"\n'
            "rate_hz = 100\nwindow = 10\n"
        )
        plant.start([harness.BIN / "sensorsim", "--config", sensors, "--quiet"])
        for name in ("a", "s"):
            plant.wait_machine(name, lambda m: m["link"] == "up", 15, "up")
        time.sleep(1.5)
        self.assertEqual(plant.core.stop(), 0)
        for file, machine in zip(files, ("a", "s")):
            code, out, err = play(file, "--json", "--events")
            self.assertEqual(code, 0, plant.core.output() + out + err)
            told = json.loads(out)
            self.assertTrue(told["complete"])
            self.assertGreater(told["frames"], 10)
            self.assertGreater(told["bytes_in"], 1000)
            self.assertIn(f" {machine}, driver", err)

    def test_two_lanes_do_not_share_a_file(self):
        plant = harness.Plant("replay-lanes")
        self.addCleanup(plant.close)
        config = plant.write(
            "rise.toml",
            f'{LANE}record = "x.rec"\n[[lane]]\nname = "b"\nrecord = "x.rec"\n'
            + harness.machine_toml("a", 1),
        )
        done = plant.rise("check", config)
        self.assertEqual(done.returncode, 2)
        self.assertIn('lane "main" records in this file already', done.stdout + done.stderr)
        # Nor one that the other moves out of its way at the next start.
        config.write_text(config.read_text().replace('"x.rec"', '"x.rec.1"', 1))
        self.assertEqual(plant.rise("check", config).returncode, 2)
        config.write_text(config.read_text().replace('"x.rec.1"', '"x.rec.old"', 1))
        self.assertEqual(plant.rise("check", config).returncode, 0)


class Endings(unittest.TestCase):
    """Recordings that end before the lane does."""

    def start(self, lane, env=None):
        plant = harness.Plant("record")
        self.addCleanup(plant.close)
        port = harness.free_ports(1)
        plant.start_simulator(harness.control_toml("a", port))
        self.file = plant.folder / "a.rec"
        plant.start_core(
            LANE + f'record = "{self.file}"\n' + lane + harness.machine_toml("a", port), env=env
        )
        plant.wait_up()
        return plant

    def test_a_killed_core_leaves_what_can_be_played(self):
        plant = self.start("")
        time.sleep(1.5)
        plant.core.process.kill()
        plant.core.wait()
        code, out, err = play(self.file, "--json")
        self.assertEqual(code, 0, out + err)
        told = json.loads(out)
        self.assertFalse(told["complete"])
        self.assertIn("killed", told["end"])
        self.assertGreater(told["cycles"], 400)

    def test_a_full_file_ends_the_recording_and_not_the_lane(self):
        plant = self.start("record_max_mib = 1\nperiod_us = 125\n")
        harness.wait_until(
            lambda: "greatest size" in plant.core.output(), 60, "the recording is full"
        )
        self.assertLessEqual(self.file.stat().st_size, 1 << 20)
        before = plant.machine("a")["counters"]["samples"]
        plant.wait_machine("a", lambda m: m["counters"]["samples"] > before + 20, 10, "sweeps")
        self.assertEqual(plant.core.stop(), 0)
        code, out, err = play(self.file, "--json")
        self.assertEqual(code, 0, out + err)
        self.assertIn("greatest size", json.loads(out)["end"])

    def test_a_limit_of_file_sizes_ends_the_recording_and_not_the_core(self):
        plant = self.start("")
        limit = self.file.stat().st_size + 50_000
        resource.prlimit(plant.core.pid, resource.RLIMIT_FSIZE, (limit, limit))
        harness.wait_until(
            lambda: "cannot be written" in plant.core.output() or not plant.core.alive(),
            60,
            "the limit is met",
        )
        self.assertTrue(plant.core.alive(), "SIGXFSZ has ended it")
        self.assertEqual(plant.core.stop(), 0)

    def test_a_slow_disk_does_not_make_an_orderly_end_a_broken_one(self):
        folder = tempfile.mkdtemp(prefix="rise-slow-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        source = pathlib.Path(folder) / "slow.c"
        source.write_text(
            "#include <unistd.h>\nint fdatasync(int fd) { (void)fd; sleep(20); return 0; }\n"
        )
        slow = source.with_suffix(".so")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", slow, source], check=True, timeout=60)
        plant = self.start("", env={"LD_PRELOAD": str(slow)})
        time.sleep(1)
        plant.core.process.send_signal(signal.SIGTERM)
        time.sleep(3)
        self.assertTrue(plant.core.alive(), "it still waits for the disk")
        plant.core.stop(signal.SIGKILL)
        again = plant.start_core(LANE + harness.machine_toml("a", harness.free_ports(1)))
        self.assertNotIn("did not end properly", again.output())
        self.assertNotIn("unclean", again.output())

    def test_where_nothing_can_be_written_the_core_runs_and_says_so(self):
        plant = harness.Plant("record")
        self.addCleanup(plant.close)
        port = harness.free_ports(1)
        plant.start_simulator(harness.control_toml("a", port))
        plant.start_core(
            LANE + f'record = "{plant.folder}/no/where.rec"\n' + harness.machine_toml("a", port)
        )
        plant.wait_up()
        self.assertIn("not recorded", plant.core.output())
        self.assertIn("not recorded", plant.view()["lanes"][0]["shortfall"])

    def test_the_recording_before_is_kept(self):
        plant = self.start("")
        plant.core.stop()
        first = self.file.read_bytes()
        plant.core = plant.start(
            [harness.BIN / "rise-core", "--config", plant.folder / "rise.toml"], name="rise-core"
        )
        harness.wait_until(plant.view, 15, "the core runs")
        plant.core.stop()
        self.assertEqual(pathlib.Path(f"{self.file}.1").read_bytes(), first)
        self.assertEqual(play(self.file)[0], 0)

    def test_recording_breaks_no_rule_of_the_cycle(self):
        plant = self.start("", env={"LD_PRELOAD": str(harness.GUARD), "RISE_GUARD": "count"})
        before = plant.view()["lanes"][0]["counters"]
        harness.wait_until(
            lambda: plant.view()["lanes"][0]["counters"]["cycles"] > before["cycles"] + 3000,
            60,
            "3000 cycles",
        )
        after = plant.view()["lanes"][0]["counters"]
        self.assertEqual(after["page_faults"], before["page_faults"])
        self.assertEqual(plant.core.stop(), 0)
        forbidden = re.search(r"guard: (\d+) forbidden calls", plant.core.output())
        self.assertEqual(int(forbidden.group(1)), 0)
        self.assertEqual(play(self.file)[0], 0)


if __name__ == "__main__":
    unittest.main()
