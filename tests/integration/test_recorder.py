#!/usr/bin/python3
"""Recordings of a real core: what is in them for the public MCAP reader, for `rise export`, and after a kill."""
import csv
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

from common import LANE, harness

NO_CORE = 3
MODULES = pathlib.Path(os.environ.get("BUILD", harness.ROOT / "build")) / "mcap"
READER = harness.ROOT / "tests" / "mcap" / "read.cjs"
SLOW = """
[[machine.focas.group]]
name = "slow"
period_ms = 100
items = ["macro.500", "program.name"]
"""


def why_no_reader():
    if not shutil.which("node"):
        return "no node; run: scripts/setup mcap"
    if not (MODULES / "node_modules" / "@mcap" / "core").is_dir():
        return f"the public MCAP reader is not in {MODULES}; run: scripts/setup mcap"
    return ""


needs_reader = unittest.skipIf(why_no_reader(), why_no_reader())


def public(file):
    """What the public reader says: (exit code, what it found or why not)."""
    done = subprocess.run(
        ["node", READER, MODULES, file], capture_output=True, text=True, timeout=60
    )
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr


def sequences(lines, topic):
    return [line["sequence"] for line in lines if line["topic"] == topic]


class Recorded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plant = harness.Plant("recorder")
        cls.addClassCleanup(cls.plant.close)
        port = harness.free_ports(2)
        cls.plant.start_simulator(
            harness.control_toml("a", port) + harness.control_toml("b", port + 1)
        )
        cls.plant.tell("set a macro 500 12.5")
        cls.lane_file = cls.plant.folder / "lane.rec"
        cls.plant.start_core(
            LANE
            + f'record = "{cls.lane_file}"\n'
            + (harness.machine_toml("a", port) + SLOW)
            + harness.machine_toml("b", port + 1, period_ms=20)
        )
        cls.plant.wait_up()
        # This one takes its time; the others run meanwhile.
        cls.rotated = cls.plant.folder / "rotated"
        cls.rotated.mkdir()
        (cls.rotated / "mine.mcap").write_text("x")
        cls.rotating = cls.start(
            *("--dir", cls.rotated, "--max-file-s", 1, "--name", "rotating", "--duration", 3.5),
            *("--machines", "b"),
        )
        cls.file = cls.plant.folder / "one.mcap"
        recording = cls.start("--out", cls.file)
        time.sleep(1.5)
        cls.plant.rise("hold", "a", "--region", cls.plant.region)
        time.sleep(1)
        recording.stop(signal.SIGINT)
        cls.said = recording.output()
        cls.code = recording.process.returncode

    @classmethod
    def start(cls, *arguments):
        process = cls.plant.start(
            [harness.BIN / "rise", "record", "--region", cls.plant.region, *arguments],
            name="rise-record",
        )
        harness.wait_until(
            lambda: "attached" in process.output() or not process.alive(), 10, "it records"
        )
        return process

    def lines(self, file, *arguments):
        done = self.plant.rise("export", file, "--json", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def folder(self, name):
        folder = self.plant.folder / name
        folder.mkdir()
        return folder

    def test_it_says_what_it_has_done(self):
        self.assertEqual(self.code, 0, self.said)
        found = re.search(r"(\d+) frames \((\d+) lost\), (\d+) events, (\d+) command", self.said)
        frames, lost, _, results = (int(n) for n in found.groups())
        self.assertGreater(frames, 250)
        self.assertEqual(lost, 0)
        self.assertGreater(results, 0)
        self.assertRegex(self.said, r"compressed [\d.]+ times")
        self.assertTrue(self.said.strip().endswith(str(self.file)))
        info = json.loads(self.plant.rise("record", "info", self.file, "--json").stdout)
        self.assertIs(info["whole"], True)
        counts = {topic["topic"]: topic["messages"] for topic in info["topics"]}
        telemetry = [n for name, n in counts.items() if name.startswith("telemetry/")]
        self.assertEqual(sum(telemetry), frames)

    @needs_reader
    def test_the_public_reader_finds_the_same_messages_and_values(self):
        code, found = public(self.file)
        self.assertEqual(code, 0, found)
        lines = self.lines(self.file)
        counts = {}
        for line in lines:
            counts[line["topic"]] = counts.get(line["topic"], 0) + 1
        self.assertEqual(found["counts"], counts, "by the index")
        self.assertEqual(found["streamed"], counts, "as a stream, with all check sums")
        self.assertEqual(found["statistics"], len(lines))
        self.assertLessEqual(
            {"telemetry/a", "telemetry/a/1", "telemetry/b", "command/a"}, set(counts)
        )
        fields = {}
        for channel in found["channels"]:
            self.assertEqual(channel["encoding"], "flatbuffer")
            self.assertTrue(channel["schema"].startswith("rise.recorded."))
            signals = json.loads(channel["metadata"].get("signals", "[]"))
            fields[channel["topic"]] = {one["field"]: one["name"] for one in signals}
        ours = {(line["topic"], line["sequence"], line["time_ns"]): line for line in lines}
        compared = 0
        for message in found["messages"]:
            line = None
            for key, candidate in ours.items():
                if key[0] == message["topic"] and str(key[2]) == message["log_time"]:
                    line = candidate
                    if str(candidate["sequence"]) == message["value"]["sequence"]:
                        break
            self.assertIsNotNone(line, message)
            value = message["value"]
            if "signals" not in line:
                self.assertEqual(value["summary"], line["summary"])
                continue
            self.assertEqual(value["sample_utc_ns"], str(line["time_ns"]))
            named = {name: value[field] for field, name in fields[message["topic"]].items()}
            self.assertEqual(named, line["signals"], message["topic"])
            compared += len(named)
        self.assertGreater(compared, 2000)

    def test_values_are_those_of_the_machine(self):
        slow = self.lines(self.file, "--topic", "telemetry/a/1")
        self.assertEqual({line["signals"]["macro.500"] for line in slow}, {12.5})
        fast = self.lines(self.file, "--topic", "telemetry/a")
        spread = {line["signals"]["axis.x.position"] for line in fast}
        self.assertGreater(len(spread), 20, "the axis moves")
        numbers = sequences(fast, "telemetry/a")
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def test_csv_is_the_same_with_units_in_its_head(self):
        done = self.plant.rise("export", self.file, "--csv", "--topic", "telemetry/a*")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertIn("a/axis.x.position [mm]", rows[0])
        self.assertFalse([column for column in rows[0] if column.startswith("b/")])
        by_time = {row["time_ns"]: row for row in rows}
        for line in self.lines(self.file, "--topic", "telemetry/a"):
            row = by_time[str(line["time_ns"])]
            self.assertEqual(row["time_utc"], line["time"])
            cell = row["a/axis.x.position [mm]"]
            self.assertEqual(
                float(cell) if cell else None, line["signals"]["axis.x.position"], line
            )
        self.assertTrue([row for row in rows if row["a/macro.500"] == "12.5"])

    def test_what_is_asked_for_is_exported_and_no_more(self):
        lines = self.lines(self.file, "--signal", "axis.?.position", "--from", "+0.5", "--to", "+1")
        self.assertTrue(lines)
        first = self.lines(self.file)[0]["time_ns"]
        for line in lines:
            self.assertEqual(
                set(line["signals"]), {"axis.x.position", "axis.y.position", "axis.z.position"}
            )
            self.assertGreaterEqual(line["time_ns"] - first, 0.5e9)
            self.assertLessEqual(line["time_ns"] - first, 1e9)
        command = self.lines(self.file, "--topic", "command/*")[-1]
        self.assertEqual(command["kind"], "feed_hold")
        again = self.lines(self.file, "--from", command["time"], "--to", command["time"])
        self.assertIn(command, again)

    @needs_reader
    def test_mcap_with_json_is_for_those_who_read_no_flatbuffers(self):
        file = self.plant.folder / "json.mcap"
        done = self.plant.rise(
            "export", self.file, "--mcap-json", "--out", file, "--topic", "telemetry/*"
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        code, found = public(file)
        self.assertEqual(code, 0, found)
        self.assertEqual({channel["encoding"] for channel in found["channels"]}, {"json"})
        lines = self.lines(self.file, "--topic", "telemetry/*")
        self.assertEqual(sum(found["counts"].values()), len(lines))
        one = next(m for m in found["messages"] if m["topic"] == "telemetry/a")
        line = next(
            l for l in lines if l["topic"] == one["topic"] and l["sequence"] == one["sequence"]
        )
        wanted = {name: value for name, value in line["signals"].items() if value is not None}
        self.assertEqual(one["value"], wanted)

    def test_replay_prints_it_again_in_its_time(self):
        lines = self.lines(self.file)
        started = time.monotonic()
        done = self.plant.rise("replay", self.file, "--speed", "4")
        took = time.monotonic() - started
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([json.loads(line) for line in done.stdout.splitlines()], lines)
        lasted = (max(l["time_ns"] for l in lines) - lines[0]["time_ns"]) / 1e9
        self.assertGreaterEqual(took, lasted / 4 - 0.01)
        short = self.plant.rise("replay", self.file, "--until=0.5")
        self.assertLess(len(short.stdout.splitlines()), len(lines) / 2)

    def test_replay_refuses_what_only_recordings_of_a_lane_have(self):
        done = self.plant.rise("replay", self.file, "--config", "x.toml")
        self.assertEqual(done.returncode, 64)
        self.assertIn("recordings of a lane", done.stderr)

    @needs_reader
    def test_a_changed_byte_is_refused_by_the_public_reader_and_costs_us_one_chunk(self):
        bytes_of = bytearray(self.file.read_bytes())
        at = bytes_of.find(b"zstd") + 200
        bytes_of[at] ^= 0x10
        file = self.plant.folder / "changed.mcap"
        file.write_bytes(bytes_of)
        code, why = public(file)
        self.assertEqual(code, 1, "the control: else its check sums are not looked at")
        self.assertTrue(why)
        done = self.plant.rise("record", "info", file, "--json")
        self.assertEqual(done.returncode, 1)
        damaged = json.loads(done.stdout)
        whole = json.loads(self.plant.rise("record", "info", self.file, "--json").stdout)
        self.assertEqual(damaged["chunks"], whole["chunks"] - 1)
        repaired = self.plant.folder / "changed.repaired.mcap"
        done = self.plant.rise("record", "repair", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("check sum of a chunk", done.stderr)
        code, found = public(repaired)
        self.assertEqual(code, 0, found)
        self.assertEqual(sum(found["counts"].values()), damaged["messages"])

    def test_a_kill_costs_no_more_than_what_was_not_flushed_and_the_next_one_has_that(self):
        folder = self.folder("killed")
        words = ("--dir", folder, "--flush-ms", 200)
        recording = self.start(*words)
        time.sleep(1.2)
        recording.stop(signal.SIGKILL)
        killed = next(folder.iterdir())
        if not why_no_reader():
            code, why = public(killed)
            self.assertEqual(code, 1, "the control: it is not whole")
            self.assertTrue(why)
        self.assertEqual(self.plant.rise("record", "info", killed).returncode, 1)
        done = self.plant.rise("record", "repair", killed)
        self.assertEqual(done.returncode, 0, done.stderr)
        repaired = folder / (killed.stem + ".repaired.mcap")
        self.assertEqual(done.stdout.strip(), str(repaired))
        self.assertEqual(self.plant.rise("record", "info", repaired).returncode, 0)
        before = sequences(self.lines(repaired), "telemetry/a")
        self.assertGreater(len(before), 60)
        if not why_no_reader():
            code, found = public(repaired)
            self.assertEqual(code, 0, found)
            self.assertEqual(found["counts"]["telemetry/a"], len(before))
        # What the kill has cost is still in the ring.
        following = self.start(*words, "--duration", 0.5)
        self.assertEqual(following.wait(), 0, following.output())
        self.assertIn("going on where the last one stopped", following.output())
        other = [f for f in folder.iterdir() if f not in (killed, repaired)]
        self.assertEqual(len(other), 1)
        after = sequences(self.lines(other[0]), "telemetry/a")
        self.assertEqual(set(range(before[0], after[-1] + 1)), set(before) | set(after))

    def test_files_follow_one_another_by_age_and_others_stay(self):
        folder = self.rotated
        foreign = folder / "mine.mcap"
        self.assertEqual(self.rotating.wait(), 0, self.rotating.output())
        files = sorted(f for f in folder.iterdir() if f != foreign)
        self.assertGreaterEqual(len(files), 3)
        for file in files:
            self.assertEqual(self.plant.rise("record", "info", file).returncode, 0, file)
            self.assertEqual({line["machine"] for line in self.lines(file, "--topic", "t*")}, {"b"})
        self.assertTrue(foreign.exists())

    def test_raw_bytes_come_from_the_lanes_recording(self):
        file = self.plant.folder / "raw.mcap"
        done = self.plant.rise("record", "raw", self.lane_file, "--out", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = self.lines(file)
        self.assertEqual({line["topic"] for line in lines}, {"raw/a", "raw/b"})
        for direction in ("sent", "received"):
            some = [line for line in lines if line["direction"] == direction]
            self.assertGreater(len(some), 100, direction)
            # Each frame of FOCAS begins so; they may be sent in pieces.
            begun = [line for line in some if line["hex"].startswith("a0a0a0a0")]
            self.assertGreater(len(begun), len(some) / 3, direction)
        if not why_no_reader():
            code, found = public(file)
            self.assertEqual(code, 0, found)
            self.assertEqual(sum(found["counts"].values()), len(lines))

    def test_two_of_one_name_do_not_go(self):
        recording = self.start("--out", self.plant.folder / "x1.mcap", "--name", "same")
        done = self.plant.rise(
            *("record", "--region", self.plant.region, "--name", "same"),
            *("--out", self.plant.folder / "x2.mcap", "--duration", "1"),
        )
        recording.stop()
        self.assertEqual(done.returncode, 1)
        self.assertIn("already running", done.stderr)

    def test_each_mistake_is_told(self):
        region = ("record", "--region", self.plant.region)
        for words, code, text in (
            (("record", "--region", "nobody"), NO_CORE, "no core of that name runs"),
            ((*region, "--dir", "/nonexistent/x"), 1, "mkdir -p"),
            ((*region, "--out", self.file), 1, "exists already"),
            ((*region, "--out", "/nonexistent/x", "--duration", "1"), 1, "folder does not exist"),
            ((*region, "--machines", "a,zz", "--out", "/tmp/never"), 1, 'no machine "zz"'),
            ((*region, "--dir", "x", "--out", "y"), 108, "excludes"),
            (("export", self.file), 64, "--csv"),
            (("export", self.file, "--csv", "--topic", "event/*"), 1, "--json"),
            (("export", self.file, "--json", "--from", "yesterday"), 64, "is no time"),
            (("export", READER, "--json"), 1, "is no MCAP file"),
            (("export", "/nonexistent", "--json"), 1, "No such file"),
            (("record", "info", "/dev/null"), 1, "ordinary file"),
            (("record", "repair", READER), 1, "is no MCAP file"),
        ):
            done = self.plant.rise(*words)
            self.assertEqual(done.returncode, code, (words, done.stderr))
            self.assertIn(text, done.stderr, words)


class Restarted(unittest.TestCase):
    def test_a_core_that_comes_again_has_a_file_of_its_own(self):
        plant = harness.Plant("again")
        self.addCleanup(plant.close)
        port = harness.free_ports(1)
        folder = plant.folder / "files"
        folder.mkdir()
        recording = plant.start(
            [harness.BIN / "rise", "record", "--region", plant.region, "--dir", folder, "--wait"]
        )
        plant.start_simulator(harness.control_toml("a", port))
        for axes in (("X", "Y", "Z"), ("X", "Y")):
            core = plant.start_core(LANE + harness.machine_toml("a", port, axes=axes))
            plant.wait_up()
            time.sleep(0.7)
            core.stop()
        harness.wait_until(lambda: len(list(folder.iterdir())) == 2, 5, "two files")
        recording.stop(signal.SIGTERM)
        self.assertEqual(recording.process.returncode, 0, recording.output())
        counts = []
        for file in sorted(folder.iterdir()):
            done = plant.rise("record", "info", file, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            topics = {one["topic"]: one for one in json.loads(done.stdout)["topics"]}
            names = {signal["name"] for signal in topics["telemetry/a"]["signals"]}
            counts.append("axis.z.position" in names)
            # The last that a core says: its lane has stopped.
            done = plant.rise("export", file, "--json", "--topic", "event/*")
            self.assertIn("stopped", done.stdout)
        self.assertEqual(counts, [True, False])


if __name__ == "__main__":
    unittest.main()
