#!/usr/bin/python3
"""The real sensorsim over loopback, against a small receiver of its datagrams.

RISE_BIN names the folder of the programs (default: bin in OUT, which is build/release). Every
process is stopped by the test that started it, every wait has a limit. No test judges by the clock.
"""
import json
import math
import os
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

BIN = os.environ.get("RISE_BIN") or os.path.join(os.environ.get("OUT", "build/release"), "bin")
SENSORSIM = os.path.join(BIN, "sensorsim")
LIMIT_S = 20
HEADER = struct.Struct("<4sBBBBIIIIqIHBBff")  # README.md of drivers/telemetry

CONFIG = """
[[sensor]]
name = "spindle"
id = 1
kind = "vibration"
channels = 3
rate_hz = 2000.0
samples = 50
seed = 3
clock_s = 100.0
sine = [{ hz = 40.0, amplitude = 2.0 }]

[[sensor]]
name = "sound"
id = 2
kind = "acoustic"
format = "int16"
scale = 0.001
channels = 1
rate_hz = 8000.0
samples = 200
seed = 4
sine = [{ hz = 1000.0, amplitude = 0.5 }]
"""


class Receiver:
    """A socket with a large buffer, and what came."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(LIMIT_S)
        self.port = self.socket.getsockname()[1]

    def take(self):
        """Everything that has arrived."""
        self.socket.setblocking(False)
        out = []
        while True:
            try:
                out.append(self.socket.recvfrom(4096))
            except BlockingIOError:
                return out

    def close(self):
        self.socket.close()


def parse(data):
    """(header fields, samples) of a well-formed datagram, else None."""
    if len(data) < HEADER.size:
        return None
    names = (
        "magic major minor kind format sensor boot sequence flags time interval count channels "
        "reserved scale offset"
    ).split()
    head = dict(zip(names, HEADER.unpack_from(data)))
    if head["magic"] != b"RSD1" or head["major"] != 1:
        return None
    total = head["count"] * head["channels"]
    size = 2 if head["format"] == 1 else 4
    if len(data) != HEADER.size + total * size:
        return None
    samples = struct.unpack_from(f"<{total}{'h' if size == 2 else 'f'}", data, HEADER.size)
    if size == 2:
        samples = [s * head["scale"] + head["offset"] for s in samples]
    return head, samples


class Sensorsim(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def config(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False)
        self.addCleanup(os.unlink, file.name)
        with file:
            file.write(text)
        return file.name

    def run_it(self, *arguments, config=CONFIG, check=0):
        done = subprocess.run(
            [
                SENSORSIM,
                "--config",
                self.config(config),
                "--to",
                f"127.0.0.1:{self.receiver.port}",
                "--quiet",
                "--json",
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        self.assertEqual(done.returncode, check, done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    def datagrams(self):
        return [parse(data) for data, _ in self.receiver.take()]

    def test_layout_order_and_signal(self):
        said = self.run_it("--fast", "--datagrams", "400")
        got = self.datagrams()
        self.assertEqual(len(got), 400)
        self.assertEqual(said["made"], 400)
        self.assertEqual(said["sent"], 400)
        self.assertEqual(said["refused"], 0)
        self.assertNotIn(None, got)
        spindle = [d for d in got if d[0]["sensor"] == 1]
        sound = [d for d in got if d[0]["sensor"] == 2]
        self.assertEqual(len(spindle) + len(sound), 400)
        for many, kind, channels, count in ((spindle, 1, 3, 50), (sound, 4, 1, 200)):
            for i, (head, _) in enumerate(many):
                self.assertEqual(head["sequence"], i)
                self.assertEqual(head["kind"], kind)
                self.assertEqual((head["channels"], head["count"]), (channels, count))
                self.assertEqual(head["boot"], 1)
                self.assertEqual(head["flags"], 0)
        self.assertEqual(spindle[7][0]["time"], 100_000_000_000 + 7 * 50 * 500_000)
        x = [s for _, samples in spindle for s in samples[0::3]]
        for n in (0, 1, 49, 50, 777):
            self.assertAlmostEqual(x[n], 2 * math.sin(2 * math.pi * 40 * n / 2000), places=4)
        tone = [s for _, samples in sound for s in samples]
        self.assertAlmostEqual(
            math.sqrt(sum(s * s for s in tone) / len(tone)), 0.5 / math.sqrt(2), places=3
        )

    def test_the_same_seed_is_the_same(self):
        faults = '\n[[sensor.fault]]\nkind = "loss"\nprobability = 0.2\n'
        runs = []
        for arguments in ((), (), ("--seed", "5")):
            self.run_it("--fast", "--datagrams", "300", *arguments, config=CONFIG + faults)
            runs.append([data for data, _ in self.receiver.take()])
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])

    def test_faults_on_the_wire(self):
        def sequences(kind, extra=""):
            self.run_it(
                "--fast",
                "--datagrams",
                "1000",
                config='[[sensor]]\nname = "a"\nid = 9\nsamples = 4\n[[sensor.fault]]\n'
                f'kind = "{kind}"\nprobability = 0.1\n{extra}',
            )
            got = self.datagrams()
            return got, [d[0]["sequence"] for d in got if d]

        _, lost = sequences("loss")
        self.assertTrue(800 < len(lost) < 970)
        self.assertEqual(lost, sorted(lost))
        _, twice = sequences("duplicate")
        self.assertTrue(1030 < len(twice) < 1200)
        self.assertEqual(sorted(set(twice)), list(range(1000)))
        _, reordered = sequences("reorder", "amount = 3\n")
        self.assertNotEqual(reordered, sorted(reordered))
        self.assertTrue(len(set(range(1000)) - set(reordered)) <= 4)  # held at the end
        garbage, _ = sequences("garbage")
        self.assertTrue(30 < garbage.count(None) < 200)
        size, _ = sequences("size", "amount = 1\n")
        self.assertTrue(30 < size.count(None) < 200)
        flood, _ = sequences("flood", "amount = 20\n")
        self.assertTrue(len(flood) > 2000)

    def test_restart_begins_anew(self):
        self.run_it(
            "--fast",
            "--datagrams",
            "100",
            config='[[sensor]]\nname = "a"\nid = 9\nsamples = 10\nrate_hz = 1000.0\n'
            '[[sensor.fault]]\nkind = "restart"\nafter_s = 0.5\n',
        )
        heads = [d[0] for d in self.datagrams()]
        self.assertEqual({h["boot"] for h in heads}, {1, 2})
        first = next(h for h in heads if h["boot"] == 2)
        self.assertEqual((first["sequence"], first["time"]), (0, 0))

    def test_source_address(self):
        self.run_it("--fast", "--datagrams", "3", "--source", "127.0.0.9")
        self.assertEqual({source[0] for _, source in self.receiver.take()}, {"127.0.0.9"})

    def test_paced_duration(self):
        said = self.run_it("--duration", "1")
        # 40 datagrams of each in a second; on a busy machine the last ones may miss the end.
        self.assertLessEqual(said["made"], 80)
        self.assertGreaterEqual(said["seconds"], 1)
        self.assertEqual(len(self.datagrams()), said["sent"])

    def test_interrupt_ends_cleanly(self):
        for how in (signal.SIGINT, signal.SIGTERM):
            self.receiver.take()  # of the run before
            with subprocess.Popen(
                [SENSORSIM, "--to", f"127.0.0.1:{self.receiver.port}", "--json"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                try:
                    self.receiver.socket.settimeout(LIMIT_S)
                    self.receiver.socket.recvfrom(4096)  # it runs now
                    process.send_signal(how)
                    out, err = process.communicate(timeout=LIMIT_S)
                finally:
                    if process.poll() is None:
                        process.kill()
            self.assertEqual(process.returncode, 0)
            self.assertEqual(err, "")
            self.assertGreater(json.loads(out.splitlines()[-1])["sent"], 0)

    def test_nobody_listens(self):
        self.receiver.close()
        said = self.run_it("--fast", "--datagrams", "100")
        self.assertEqual(said["made"], 100)

    def test_help_keys_check_and_wrong_arguments(self):
        def run(*arguments):
            return subprocess.run(
                [SENSORSIM, *arguments], capture_output=True, text=True, timeout=LIMIT_S
            )

        self.assertIn("usage: sensorsim", run("--help").stdout)
        self.assertEqual(run("--help").returncode, 0)
        self.assertIn("sensor.*.drift_ppm", run("--keys").stdout)
        self.assertEqual(run("--check").returncode, 0)
        self.assertEqual(run("--what").returncode, 64)
        self.assertEqual(run("--to", "nonsense").returncode, 64)
        bad = run("--check", "--config", self.config("[[sensor]]\nid = 1\nnoises = 3\n"))
        self.assertEqual(bad.returncode, 2)
        self.assertIn("noises", bad.stderr)
        self.assertIn("name", bad.stderr)
        missing = run("--config", "/nonexistent.toml")
        self.assertEqual(missing.returncode, 2)
        far = run("--source", "203.0.113.1", "--datagrams", "1")
        self.assertEqual(far.returncode, 3)


if __name__ == "__main__":
    unittest.main()
