"""What the tests of TCP over DPDK share: the program under test, kernel peers, a man in the middle."""
import contextlib
import socket
import struct
import threading
import unittest

from common import harness
from dpdk_lane import checksum
from middle import SYN
from told import Told, WaitsForFigures

import veth

LIBRARY = harness.OUT / "lib" / "rise" / "io" / "dpdk.so"
PROGRAM = harness.OUT / "tests" / "dpdk_tcp"
PORT = 8193
BY_US, BY_PEER, REFUSED, TIMEOUT, RESET = 0, 1, 2, 3, 4  # RISE_CLOSED_*
ARGUMENT, LIMIT, AGAIN, CLOSED = -1, -2, -3, -4  # RISE_E_*


def tcp(
    source_port,
    target_port=PORT,
    sequence=1,
    acknowledged=0,
    flags=SYN,
    offset=5,
    damage=0,
    rest=b"",
    source=veth.Veth.PEER_ADDRESS,
):
    """A TCP segment from the peer's address; `rest`: options and payload."""
    source = socket.inet_aton(source)
    target = socket.inet_aton(veth.Veth.OUR_ADDRESS)

    def segment(check):
        ports = struct.pack("!HHII", source_port, target_port, sequence, acknowledged)
        return ports + struct.pack("!BBHHH", offset << 4, flags, 1000, check, 0) + rest

    whole = segment(0)
    pseudo = source + target + struct.pack("!BBH", 0, 6, len(whole))
    return segment(checksum(pseudo + whole) ^ damage)


def pattern(length, start=0):
    """What the program sends when it is told to blast."""
    cycle = bytes(i * 31 % 251 for i in range(251))
    start %= 251
    return (cycle * ((start + length) // 251 + 1))[start : start + length]


def reason_to_skip():
    if not LIBRARY.exists():
        return "built without DPDK: libdpdk-dev is not installed (scripts/setup dpdk)"
    if b"this build has no TCP over DPDK" in LIBRARY.read_bytes():
        return "built without lwIP's sources (scripts/setup dpdk-tcp)"
    return veth.reason_to_skip()


class Program(Told):
    """tests/io/dpdk_tcp.cpp in our namespace."""

    KEEPS = True

    def __init__(self, pair, env=None, prefix=(), **options):
        words = {
            "port": "dpdk",
            "library": LIBRARY,
            "device": f"net_af_packet0,iface={pair.port}",
            "address": pair.OUR_ADDRESS + "/24",
            **options,
        }
        super().__init__([*pair.prefix(pair.ours), *prefix, PROGRAM], words, env)

    def open(self, host, port=PORT, timeout_ms=3000):
        return self.ask("opening", "open", host, port, timeout_ms)[0]


class Peer:
    """A TCP server of the kernel in a namespace; `serve(connection)` runs for each connection."""

    def __init__(self, pair, serve, port=PORT, address=None):
        with pair.inside(pair.theirs):
            self.listener = socket.create_server((address or pair.PEER_ADDRESS, port), backlog=64)
        self.listener.settimeout(0.1)
        self.serve = serve
        self.stopping = False
        self.connections = []
        self.faults = []
        self.threads = [threading.Thread(target=self.run, daemon=True)]
        self.threads[0].start()

    def run(self):
        while not self.stopping:
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            connection.settimeout(20)
            self.connections.append(connection)
            self.threads.append(threading.Thread(target=self.one, args=(connection,), daemon=True))
            self.threads[-1].start()

    def one(self, connection):
        try:
            self.serve(connection)
        except OSError as fault:
            self.faults.append(fault)

    def close(self):
        self.stopping = True
        self.listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self.threads:
            thread.join(5)


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def reset(connection):
    """Ends a connection as a crashed program's kernel does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


WHY = reason_to_skip()


@unittest.skipIf(WHY, WHY)
class Tcp(WaitsForFigures):
    def setUp(self):
        self.pair = veth.Veth()
        self.addCleanup(self.pair.close)

    def start(self, **options):
        program = Program(self.pair, **options)
        self.addCleanup(program.close)
        self.assertTrue((program.first or "nothing").startswith("ready"), program.first)
        return program

    def serve(self, serve=echo, **options):
        peer = Peer(self.pair, serve, **options)
        self.addCleanup(peer.close)
        return peer

    def connect(self, program, timeout_ms=3000):
        stream = program.open(self.pair.PEER_ADDRESS, timeout_ms=timeout_ms)
        self.assertGreaterEqual(stream, 0)
        self.assertEqual(program.line("opened|closed"), f"opened {stream}")
        return stream

    def assert_closed(self, program, stream, reason, seconds=10):
        self.assertEqual(program.line(f"closed {stream} ", seconds), f"closed {stream} {reason}")
