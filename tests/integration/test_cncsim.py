#!/usr/bin/python3
"""The real cncsim over loopback: start, ready, stop, control socket, sessions, transfers, faults.

RISE_BIN names the folder of the programs (default: bin in OUT, which is build/release). Every
process is stopped by the test that started it, every wait has a limit.
"""
import os
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from focas_client import Client, LIMIT_S, block, frame

BIN = os.environ.get("RISE_BIN") or os.path.join(os.environ.get("OUT", "build/release"), "bin")
CNCSIM = os.path.join(BIN, "cncsim")

CONFIG = """
[[control]]
name = "mill"
model = "31i"
port = {mill}
sessions_max = 3
upload_gap_us = 0
[[control.path]]
axes = [{{ name = "X" }}, {{ name = "Y" }}, {{ name = "Z" }}]
spindles = [{{ name = "S1" }}]
program = '''
O1000(LOOP)
N10 S3000 M3
N20 G1 X100. F3000
N30 X0.
N40 M30
'''

[[control]]
name = "old"
model = "16i"
port = {old}
[[control.path]]
axes = [{{ name = "X" }}]
"""


def free_ports(count):
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def run(*arguments):
    """A cncsim that ends by itself."""
    return subprocess.run(
        [CNCSIM, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


class Simulator:
    """A running cncsim."""

    def __init__(self, folder, config, *arguments):
        self.control = os.path.join(folder, "control")
        path = os.path.join(folder, "controls.toml")
        with open(path, "w", encoding="ascii") as file:
            file.write(config)
        read, write = os.pipe()
        self.process = subprocess.Popen(
            [
                CNCSIM,
                "--config",
                path,
                "--control",
                self.control,
                "--ready-fd",
                str(write),
                "--quiet",
                *arguments,
            ],
            pass_fds=[write],
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(write)
        with os.fdopen(read) as pipe:  # ends with the process at the latest
            self.ready = pipe.readline()
            if self.ready != "ready\n":
                self.stop(signal.SIGKILL)
                raise RuntimeError(self.process.stderr.read())

    def tell(self, text):
        done = run("--tell", self.control, text)
        return done.stdout.strip() or done.stderr.strip()

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(LIMIT_S)
            raise
        finally:
            if number != signal.SIGKILL:
                self.process.stderr.close()


class CommandLine(unittest.TestCase):
    def test_help_keys_and_check(self):
        self.assertIn("usage: cncsim", run("--help").stdout)
        self.assertIn("control.*.name", run("--keys").stdout)
        done = run("--check")
        self.assertEqual((0, "ok: 3 controls\n"), (done.returncode, done.stdout))

    def test_wrong_arguments(self):
        for arguments in (["--nonsense"], ["--config"], ["--ready-fd", "x"], ["--tell", "a"]):
            done = run(*arguments)
            self.assertEqual(64, done.returncode, arguments)
            self.assertIn("usage:", done.stderr)

    def test_all_faults_of_a_config_in_one_go(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(
                '[[control]]\nname = "a"\nmodel = "33i"\nprot = 5\n'
                '[[control.path]]\naxes = [{ name = "Q" }]\nprogram = "G0 X1"\n'
            )
            file.flush()
            for extra in (["--check"], []):
                done = run("--config", file.name, *extra)
                self.assertEqual(2, done.returncode)
                lines = done.stderr.splitlines()
                self.assertEqual(4, len(lines), done.stderr)
                for line in lines:
                    self.assertTrue(line.startswith(file.name + ":"), line)
                self.assertIn(":3: control.0.model:", done.stderr)
                self.assertIn("axes.0.name", done.stderr)

    def test_config_that_is_no_toml_or_not_there(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("[[control\n")
            file.flush()
            done = run("--config", file.name)
            self.assertEqual(2, done.returncode)
            self.assertIn("not valid TOML", done.stderr)
        self.assertEqual(2, run("--config", "/nonexistent/file").returncode)

    def test_tell_without_a_simulator(self):
        done = run("--tell", "/tmp/cncsim-nobody-here", "list")
        self.assertEqual(3, done.returncode)
        self.assertIn("--control", done.stderr)


class Life(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.ports = free_ports(2)
        self.config = CONFIG.format(mill=self.ports[0], old=self.ports[1])

    def test_ends_cleanly_on_both_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            simulator = Simulator(self.folder.name, self.config)
            self.assertTrue(os.path.exists(simulator.control))
            client = Client(self.ports[0])
            self.assertEqual(0, simulator.stop(number))
            self.assertFalse(os.path.exists(simulator.control))
            with self.assertRaises((EOFError, ConnectionError)):
                client.talk(0x0201)
            client.close()

    def test_ready_on_standard_output(self):
        path = os.path.join(self.folder.name, "controls.toml")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.config)
        process = subprocess.Popen([CNCSIM, "--config", path], stdout=subprocess.PIPE, text=True)
        try:
            lines = [process.stdout.readline().strip() for _ in range(3)]
            self.assertEqual("ready", lines[2])
            self.assertIn(f"mill 31i 127.0.0.1:{self.ports[0]}", lines)
            Client(self.ports[0]).close()
        finally:
            process.terminate()
            self.assertEqual(0, process.wait(LIMIT_S))
            process.stdout.close()

    def test_a_port_in_use(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", self.ports[1]))
            other.listen()
            path = os.path.join(self.folder.name, "controls.toml")
            with open(path, "w", encoding="ascii") as file:
                file.write(self.config)
            done = run("--config", path)
            self.assertEqual(3, done.returncode)
            self.assertIn(f"127.0.0.1:{self.ports[1]}: cannot listen", done.stderr)
            self.assertIn("Another program", done.stderr)

    def test_control_sockets_in_use_stale_and_foreign(self):
        simulator = Simulator(self.folder.name, self.config)
        self.addCleanup(simulator.stop)
        path = os.path.join(self.folder.name, "second.toml")
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIG.format(mill=free_ports(1)[0], old=free_ports(1)[0]))
        done = run("--config", path, "--control", simulator.control)
        self.assertEqual(3, done.returncode)
        self.assertIn("another cncsim answers there", done.stderr)
        self.assertTrue(os.path.exists(simulator.control))
        done = run("--config", path, "--control", path)
        self.assertEqual(3, done.returncode)
        self.assertTrue(os.path.exists(path))
        # What a killed one has left behind is replaced.
        simulator.stop(signal.SIGKILL)
        self.assertTrue(os.path.exists(simulator.control))
        again = Simulator(self.folder.name, self.config)
        self.assertEqual(0, again.stop())


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.mill, cls.old = free_ports(2)
        cls.simulator = Simulator(cls.folder.name, CONFIG.format(mill=cls.mill, old=cls.old))

    @classmethod
    def tearDownClass(cls):
        code = cls.simulator.stop()
        cls.folder.cleanup()
        assert code == 0, code

    def setUp(self):
        self.clients = []
        self.addCleanup(self.quiet)

    def quiet(self):
        for client in self.clients:
            client.close()
        self.tell("clear mill")
        self.wait_for(lambda: "connections=0" in self.tell("status mill"))

    def connect(self, port=None, payload=2):
        client = Client(port or self.mill, payload)
        self.clients.append(client)
        return client

    def tell(self, text):
        return self.simulator.tell(text)

    def wait_for(self, condition):
        end = time.monotonic() + LIMIT_S
        while not condition():
            self.assertLess(time.monotonic(), end, "waited too long")
            time.sleep(0.02)

    def test_both_generations(self):
        new = self.connect()
        self.assertEqual((0x0102, 4, 360), (new.kind, new.version, len(new.open_body)))
        ((status, data),) = new.ask(block(0x18))
        self.assertEqual((0, b"31 MG43326.003"), (status, data[4:]))
        self.assertEqual(256, len(new.ask(block(0x26, 4, -1))[0][1]))
        old = self.connect(self.old)
        self.assertEqual((0x0102, 2, 24), (old.kind, old.version, len(old.open_body)))
        self.assertEqual(64, len(old.ask(block(0x26, 4, -1))[0][1]))
        self.assertEqual(1, old.ask(block(0x8D, 6711, 6711))[0][0])

    def test_the_machine_lives(self):
        client = self.connect()
        positions = {client.number(0x26, 1, 1)}
        self.wait_for(lambda: positions.add(client.number(0x26, 1, 1)) or len(positions) > 3)
        self.wait_for(lambda: client.number(0x24) == 3000)
        self.wait_for(lambda: client.number(0x25) == 3000)

    def test_two_connections_of_one_client(self):
        first = self.connect(payload=1)
        second = self.connect(payload=2)
        self.assertEqual(0x0102, first.kind)
        self.assertEqual(0, second.ask(block(0x18))[0][0])
        self.assertEqual(0x0202, first.talk(0x0201)[0])
        self.assertEqual(0x0202, second.talk(0x0201)[0])
        # Data on a transfer connection: reset.
        third = self.connect(payload=1)
        with self.assertRaises(ConnectionResetError):
            third.ask(block(0x18))

    def test_session_limit(self):
        clients = [self.connect() for _ in range(3)]
        refused = self.connect()
        self.assertEqual(0x0103, refused.kind)
        clients[0].close()
        self.wait_for(lambda: "sessions=2" in self.tell("status mill"))
        self.assertEqual(0x0102, self.connect().kind)

    def test_half_open_clients_do_not_matter(self):
        for _ in range(100):
            self.connect(payload=0)
        self.assertEqual(0, self.connect().ask(block(0x18))[0][0])

    def test_bytes_one_by_one_and_many_at_once(self):
        client = self.connect()
        request = frame(0x2101, struct.pack(">H", 1) + block(0x18))
        for byte in request:
            client.send(bytes([byte]))
        self.assertEqual(0x2102, client.receive()[0])
        client.send(request * 50)
        for _ in range(50):
            self.assertEqual(0x2102, client.receive()[0])

    def test_malformed_frames_end_their_connection(self):
        before = self.tell("status mill")
        client = self.connect()
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        with self.assertRaises((EOFError, ConnectionError)):
            client.receive()
        self.assertNotEqual(before, self.tell("status mill"))
        self.assertEqual(0, self.connect().ask(block(0x18))[0][0])

    def test_transfers(self):
        client = self.connect(payload=1)
        lines = [b"N%d G1 X%d. F500" % (i, i % 90) for i in range(1, 400)]
        text = b"\nO4321(BIG)\n" + b"\n".join(lines) + b"\nM30\n%"
        self.assertEqual(0x1302, client.download(text, b"N://CNC_MEM/USER/PATH1/"))
        self.assertEqual((0x1701, text), client.upload(b"N://CNC_MEM/USER/PATH1/O4321"))
        self.assertIn("O4321", self.tell("program mill list"))
        kind, body = client.upload(b"N:O7777")
        self.assertEqual((0x1503, 5), (kind, struct.unpack(">xxh4x", body)[0]))
        self.assertEqual(0x1303, client.download(b"\nG0 X1\n%"))
        data = self.connect()
        self.assertEqual(0, data.ask(block(0x05, 4321))[0][0])
        self.assertEqual(0x1503, client.upload(b"N:O4321")[0])

    def test_writes(self):
        client = self.connect()
        value = struct.pack(">ihh", 12345, 10, 3)
        self.assertEqual(0, client.ask(block(0x16, 500, 500, payload=value))[0][0])
        self.assertEqual("ok 12.345", self.tell("get mill macro 500"))
        self.assertEqual(0, client.ask(block(0x8002, 100, 100, 9, device=2, payload=b"\x55"))[0][0])
        self.assertEqual("ok 85", self.tell("get mill pmc D100"))
        self.assertEqual("ok", self.tell("set mill param 6711 7"))

    def test_control_socket(self):
        self.assertEqual(
            f"ok mill=127.0.0.1:{self.mill} old=127.0.0.1:{self.old}", self.tell("list")
        )
        self.assertTrue(self.tell("nonsense").startswith("error"))
        self.assertEqual(1, run("--tell", self.simulator.control, "nonsense").returncode)
        client = self.connect()
        self.assertEqual("ok", self.tell("emergency mill on"))
        ((_, data),) = client.ask(block(0x19))
        self.assertEqual(1, struct.unpack(">7h", data)[4])
        self.assertEqual("ok", self.tell("emergency mill off"))
        self.assertEqual("ok", self.tell("alarm mill raise 1003 EX 0 DOOR OPEN"))
        ((_, data),) = client.ask(block(0x23, -1, 10, 2, 32))
        self.assertEqual(b"DOOR OPEN", data[16:25])
        self.assertEqual("ok 1", self.tell("alarm mill clear 1003"))
        self.assertEqual("ok", self.tell("start mill"))
        with socket.socket(socket.AF_UNIX) as raw:  # several commands, in odd pieces
            raw.settimeout(LIMIT_S)
            raw.connect(self.simulator.control)
            raw.sendall(b"get mill macro 5")
            raw.sendall(b"01\nlist\nget mill macro 502\n")
            answer = b""
            while answer.count(b"\n") < 3:
                answer += raw.recv(4096)
            self.assertEqual(b"ok 0", answer.split(b"\n")[2])

    def test_faults_of_a_reply(self):
        client = self.connect()
        healthy = client.ask(block(0x18))
        self.assertEqual("ok", self.tell("fault mill torn amount=2 gap_us=500 count=1"))
        self.assertEqual(healthy, client.ask(block(0x18)))
        self.assertEqual("ok", self.tell("fault mill delay delay_us=200000 count=1"))
        start = time.monotonic()
        self.assertEqual(healthy, client.ask(block(0x18)))
        self.assertGreaterEqual(time.monotonic() - start, 0.2)
        self.assertEqual("ok", self.tell("fault mill error status=6 command=36 count=1"))
        self.assertEqual([0, 6], [status for status, _ in client.ask(block(0x18), block(0x24))])
        self.assertEqual("ok", self.tell("fault mill repeat count=1"))
        self.assertEqual(healthy, client.ask(block(0x18)))
        self.assertEqual(0x2102, client.receive()[0])
        self.assertEqual("ok", self.tell("fault mill stall count=1"))
        client.send(frame(0x2101, struct.pack(">H", 1) + block(0x18)))
        client.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            client.receive()

    def test_faults_of_a_connection(self):
        request = frame(0x2101, struct.pack(">H", 1) + block(0x18))
        self.assertEqual("ok", self.tell("fault mill reset count=1"))
        client = self.connect()
        client.send(request)
        with self.assertRaises(ConnectionResetError):
            client.receive()
        self.assertEqual("ok", self.tell("fault mill truncate count=1"))
        client = self.connect()
        client.send(request)
        with self.assertRaises(EOFError):
            client.receive()
        self.assertEqual("ok", self.tell("fault mill refuse_open count=1"))
        self.assertEqual(0x0103, self.connect().kind)
        self.assertEqual("ok", self.tell("fault mill half_open count=1"))
        client = self.connect(payload=0)
        client.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            client.talk(0x0101, b"\0\2")

    def refused(self):
        try:
            Client(self.mill, 0).close()
        except (
            ConnectionRefusedError,
            ConnectionResetError,
        ):  # reset: it came while the door closed
            return True
        return False

    def test_a_closed_door_opens_again(self):
        client = self.connect()
        self.assertEqual("ok", self.tell("fault mill refuse_listen"))
        self.wait_for(self.refused)
        self.assertEqual(0, client.ask(block(0x18))[0][0])  # who is in stays in
        self.assertEqual("ok 1", self.tell("clear mill"))
        self.wait_for(lambda: not self.refused())


class Many(unittest.TestCase):
    def test_two_hundred_controls(self):
        base = 30000
        config = CONFIG.split("[[control]]\nname = \"old\"")[0].format(mill=base)
        config = config.replace("sessions_max = 3", "count = 200\nsessions_max = 2")
        with tempfile.TemporaryDirectory() as folder:
            simulator = Simulator(folder, config)
            clients = []
            try:
                clients = [Client(base + i) for i in range(200)]
                for _ in range(5):
                    for client in clients:
                        client.send(frame(0x2101, struct.pack(">H", 1) + block(0x18)))
                    for client in clients:
                        self.assertEqual(0x2102, client.receive()[0])
            finally:
                for client in clients:
                    client.close()
                self.assertEqual(0, simulator.stop())


if __name__ == "__main__":
    unittest.main()
