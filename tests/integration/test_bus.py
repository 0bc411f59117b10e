#!/usr/bin/python3
"""rise bus, rise dlq, and the bus in rise top: asking a running sidecar."""
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import time
import unittest

from common import harness, lane_with

CONFIG = (
    lane_with("mill-1")
    + """[[plugin]]
name = "redis"
[plugin.redis]
port = 1
publish = ["work/#"]
"""
)  # no Redis listens there, and there is no store: what must not be lost becomes a dead letter


class Bus(unittest.TestCase):
    def setUp(self):
        self.plant = harness.Plant("bus")
        self.addCleanup(self.plant.close)
        drivers = harness.OUT / "tests" / "drivers"
        text = f'driver_path = "{drivers.resolve()}"\n{CONFIG}'
        self.plant.start_core(text)
        self.config = self.plant.write(
            "sidecar.toml", f'[core]\nname = "{self.plant.region}"\n{text}'
        )
        self.start_sidecar()

    def start_sidecar(self):
        self.plant.start_sidecar("--config", self.config)
        harness.wait_until(
            lambda: any(c["name"] == "redis" for c in (self.stats() or {}).get("consumers", [])),
            10,
            "the sidecar answers",
        )

    def rise(self, *arguments):
        return self.plant.rise(*arguments, "--region", self.plant.region)

    def stats(self):
        done = self.rise("bus", "stats", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def tap(self, *arguments):
        """A tap that listens already."""
        taps = sum(c["name"] == "tap" for c in self.stats()["consumers"])
        process = subprocess.Popen(
            [harness.BIN / "rise", "bus", "tap", *arguments, "--region", self.plant.region],
            stdout=subprocess.PIPE,
            text=True,
        )

        def end():
            process.kill()
            process.communicate()

        self.addCleanup(end)
        harness.wait_until(
            lambda: sum(c["name"] == "tap" for c in self.stats()["consumers"]) > taps,
            10,
            "the tap listens",
        )
        return process

    def publish(self, *arguments):
        done = self.rise("bus", "publish", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_telemetry_is_readable(self):
        done = self.rise("bus", "tap", "telemetry/+", "--count", "3", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(lines), 3)
        for line in lines:
            self.assertEqual(line["topic"], "telemetry/mill-1")
            self.assertGreater(line["payload"]["signals"]["counter"], 0)
        raw = self.rise("bus", "tap", "telemetry/+", "-n", "1", "--json", "--raw").stdout
        self.assertEqual(json.loads(raw)["form"], "base64")
        people = self.rise("bus", "tap", "telemetry/+", "-n", "1").stdout
        self.assertRegex(people, r'^2\d{3}-\S+Z telemetry/mill-1 Telemetry \{"machine":"mill-1",')

    def test_what_is_published_comes_out(self):
        tap = self.tap("test/#", "--count", "3", "--json")
        self.publish("test/a", '{"level": 3}', "--type", "Alarm", "--priority", "high")
        self.publish("other", "not this one")
        self.publish("test/b", "hello", "--header", "shift=night", "--ttl-ms", "60000")
        done = subprocess.run(
            [harness.BIN / "rise", "bus", "publish", "test/c", "-", "--region", self.plant.region],
            input="[1,2]",
            text=True,
            capture_output=True,
            timeout=20,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in tap.communicate(timeout=20)[0].splitlines()]
        self.assertEqual(tap.returncode, 0)
        self.assertEqual([line["topic"] for line in lines], ["test/a", "test/b", "test/c"])
        self.assertEqual(lines[0]["payload"], {"level": 3})
        self.assertEqual((lines[0]["type"], lines[0]["priority"]), ("Alarm", "high"))
        self.assertEqual(lines[1]["headers"], [["shift", "night"]])
        self.assertEqual(lines[1]["payload"], "aGVsbG8=")
        self.assertEqual(lines[2]["payload"], [1, 2])

    def test_a_filter_and_the_history(self):
        tap = self.tap("test", "--filter", "type = Alarm", "--count", "1", "--json")
        self.publish("test", "1", "--type", "Event")
        self.publish("test", "2", "--type", "Alarm")
        self.assertEqual(json.loads(tap.communicate(timeout=20)[0])["payload"], 2)
        self.publish("event/old", '"long ago"')
        done = self.rise("bus", "tap", "event/old", "--history", "--count", "1", "--json")
        self.assertEqual(json.loads(done.stdout)["payload"], "long ago")
        without = self.rise("bus", "tap", "event/old", "--duration", "0.5", "--json")
        self.assertEqual((without.returncode, without.stdout), (0, ""))

    def test_dead_letters_are_told_and_tried_again(self):
        for number in range(3):
            out = self.publish("work/a", str(number), "--guarantee", "at_least_once")
            self.assertEqual(out, "reached 1 consumers\n")

        def letters():
            lines = self.rise("dlq", "list", "--json").stdout.splitlines()
            return [json.loads(line) for line in lines]

        harness.wait_until(lambda: len(letters()) == 3, 10, "three dead letters")
        first = letters()[0]
        self.assertEqual(first["consumer"], "redis")
        self.assertEqual(first["reason"], "there is no store to keep it in")
        self.assertEqual(first["message"]["payload"], 0)
        people = self.rise("dlq", "list", "--limit", "1").stdout
        self.assertIn("redis: there is no store to keep it in (0 attempts)", people)
        self.assertIn(" work/a ", people)
        self.assertTrue(people.endswith("3 dead letters\n"), people)
        # There still is none: so it comes back.
        done = self.rise("dlq", "retry", "--id", first["message"]["id"])
        self.assertEqual(done.stdout, "sent 1 again\n")
        harness.wait_until(lambda: self.stats()["dead_letters"]["in"] == 4, 10, "and it is back")
        self.assertEqual(letters()[-1]["message"]["payload"], 0)
        self.assertEqual(self.rise("dlq", "retry", "--consumer", "none").stdout, "sent 0 again\n")
        self.assertEqual(self.rise("dlq", "retry", "--all").stdout, "sent 3 again\n")
        self.assertEqual(self.rise("dlq", "retry").returncode, 64)

    def test_stats_and_top_show_the_bus(self):
        harness.wait_until(
            lambda: self.stats()["plugins"][0]["health"] == "degraded", 10, "it has no Redis"
        )
        stats = self.stats()
        self.assertGreater(stats["bus"]["published"], 0)
        (redis,) = stats["plugins"]
        self.assertEqual((redis["state"], redis["health"]), ("running", "degraded"))
        self.assertIn("no Redis", redis["text"])
        text = self.rise("bus", "stats").stdout
        self.assertRegex(text, r"(?m)^bus: published \d+ ")
        self.assertRegex(text, r"(?m)^redis +work/# +0 ")
        view = self.plant.view()["sidecar"]
        self.assertEqual(view["plugins"][0]["name"], "redis")
        screen = self.rise("top", "--once").stdout
        self.assertRegex(screen, r"(?m)^BUS  \d+ messages/s, \d+ published, .* redis degraded")
        self.plant.sidecar.stop()
        self.assertIsNone(self.plant.view()["sidecar"])
        self.assertIn("BUS  no sidecar answers", self.rise("top", "--once").stdout)

    def test_bad_requests_are_refused_with_the_reason(self):
        for arguments, code, words in (
            (("bus", "tap", "a/#/b"), 64, "pattern"),
            (("bus", "tap", "#", "--filter", "("), 64, "filter"),
            (("bus", "publish", "a//b", "1"), 1, "topic"),
            (("bus", "publish", "a", "1", "--type", "nothing"), 1, "type"),
            (("bus", "publish", "a", "1", "--priority", "lowest"), 1, "priority"),
            (("bus", "publish", "a", "1", "--header", "x"), 64, "name=value"),
            (("dlq", "retry", "--id", "x"), 1, "UUID"),
        ):
            done = self.rise(*arguments)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr)
        nobody = self.plant.rise("bus", "stats", "--region", "nobody")
        self.assertEqual(nobody.returncode, 3)
        self.assertIn("no sidecar answers for core nobody", nobody.stderr)

    def socket_path(self):
        return f"/dev/shm/rise.{self.plant.region}.sidecar"

    def connect(self, request):
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.settimeout(20)
        connection.connect(self.socket_path())
        connection.sendall(request)
        return connection

    def test_who_does_not_read_holds_up_nobody(self):
        self.connect(b'{"do":"tap"}\n')  # and never reads
        for _ in range(200):  # or never asks
            connection = socket.socket(socket.AF_UNIX)
            self.addCleanup(connection.close)
            connection.settimeout(1)
            try:
                connection.connect(self.socket_path())
            except OSError:
                break
        before = self.plant.view()["lanes"][0]["counters"]["frames_published"]
        harness.wait_until(
            lambda: self.plant.view()["lanes"][0]["counters"]["frames_published"] > before + 500,
            20,
            "the core goes on",
        )
        reader = next(r for r in self.plant.view()["readers"] if r["name"] == "sidecar")
        self.assertTrue(reader["alive"])
        self.assertEqual(reader["lost"], 0)
        self.assertLess(reader["backlog"], 2000)

    def test_a_request_without_end_is_cut_off(self):
        connection = self.connect(b'{"do":"')
        block = b"x" * (1 << 20)
        with self.assertRaises(OSError):
            for _ in range(40):
                connection.sendall(block)
                time.sleep(0.01)
        self.assertIsNotNone(self.stats())

    def test_the_socket_is_for_those_of_the_region(self):
        mode = os.stat(self.socket_path())
        self.assertTrue(stat.S_ISSOCK(mode.st_mode))
        self.assertEqual(stat.S_IMODE(mode.st_mode), 0o660)
        region = pathlib.Path(f"/dev/shm/rise.{self.plant.region}.in")
        self.assertEqual(mode.st_gid, region.stat().st_gid)

    def test_the_next_sidecar_takes_over_the_socket(self):
        self.plant.sidecar.stop(signal.SIGKILL)
        self.assertTrue(os.path.exists(self.socket_path()))
        self.assertEqual(self.rise("bus", "stats").returncode, 3)
        self.start_sidecar()
        self.plant.sidecar.stop()
        self.assertFalse(os.path.exists(self.socket_path()))


if __name__ == "__main__":
    unittest.main()
