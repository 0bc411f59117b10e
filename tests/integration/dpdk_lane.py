"""What the tests of the DPDK datagram port share: frames, the program under test, a veth pair."""
import contextlib
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from common import harness

import veth

LIBRARY = harness.OUT / "lib" / "rise" / "io" / "dpdk.so"
PROGRAM = harness.OUT / "tests" / "dpdk_echo"
PORT = 7000


def reason_to_skip():
    if not LIBRARY.exists():
        return "built without DPDK: libdpdk-dev is not installed (scripts/setup dpdk)"
    return veth.reason_to_skip()


WHY = reason_to_skip()


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ipv4(payload, protocol=17, flags=0, source=None, target=None):
    source = socket.inet_aton(source or veth.Veth.PEER_ADDRESS)
    target = socket.inet_aton(target or veth.Veth.OUR_ADDRESS)

    def header(check):
        return struct.pack(
            "!BBHHHBBH4s4s",
            0x45,
            0,
            20 + len(payload),
            7,
            flags,
            64,
            protocol,
            check,
            source,
            target,
        )

    return header(checksum(header(0))) + payload


def udp(payload, damage=0, port=PORT, target=None):
    """A UDP packet with its checksum; `damage` is added to it."""
    source = socket.inet_aton(veth.Veth.PEER_ADDRESS)
    target = socket.inet_aton(target or veth.Veth.OUR_ADDRESS)
    length = 8 + len(payload)
    header = struct.pack("!HHHH", 9000, port, length, 0)
    pseudo = source + target + struct.pack("!BBH", 0, 17, length)
    check = checksum(pseudo + header + payload) ^ damage
    return struct.pack("!HHHH", 9000, port, length, check) + payload


def frame(payload, tags=b"", kind=0x0800, target=veth.Veth.OUR_MAC):
    out = mac(target) + mac(veth.Veth.PEER_MAC) + tags + struct.pack("!H", kind) + payload
    return out.ljust(60, b"\0")


class Echo:
    """The test program in our namespace: answers what it is asked on its standard input."""

    def __init__(self, pair, device="net_af_packet0", env=None, prefix=(), **options):
        words = {
            "library": LIBRARY,
            "device": f"{device},iface={pair.port}",
            "address": pair.OUR_ADDRESS + "/24",
            "port": PORT,
            **options,
        }
        self.process = subprocess.Popen(
            [*pair.prefix(pair.ours), *prefix, PROGRAM] + [f"{k}={v}" for k, v in words.items()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
        )
        self.buffer = b""
        self.first = self.line("ready|error", 20)

    def line(self, pattern, seconds=5):
        """The next line that begins like this; those before it are lost. None: there is none."""
        end = time.monotonic() + seconds
        while True:
            while b"\n" in self.buffer:
                text, self.buffer = self.buffer.split(b"\n", 1)
                text = text.decode(errors="replace")
                if re.match(pattern, text):
                    return text
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                return None
            self.buffer += got

    def tell(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def figures(self):
        self.tell("figures")
        text = self.line("figures", 10)
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}

    def close(self):
        """-> what it said in the end."""
        if self.process.poll() is None:
            try:
                self.tell("quit")
                self.process.wait(timeout=5)
            except (subprocess.TimeoutExpired, BrokenPipeError):
                self.process.kill()
                self.process.wait(timeout=5)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):  # it ended before it was told to
                stream.close()


@unittest.skipIf(WHY, WHY)
class Dpdk(unittest.TestCase):
    DEVICE = "net_af_packet0"

    def setUp(self):
        self.pair = veth.Veth()
        self.addCleanup(self.pair.close)

    def folder(self):
        made = tempfile.mkdtemp(prefix="rise-dpdk-")
        self.addCleanup(shutil.rmtree, made, ignore_errors=True)
        return made

    def start(self, **options):
        echo = Echo(self.pair, **{"device": self.DEVICE, **options})
        self.addCleanup(echo.close)
        self.assertIsNotNone(echo.first, "the program says nothing")
        self.assertTrue(echo.first.startswith("ready"), echo.first)
        return echo

    def send_raw(self, *frames):
        with self.pair.raw() as raw:
            for one in frames:
                raw.send(one)

    def wait_figures(self, echo, condition, what):
        last = {}

        def check():
            last.update(echo.figures())
            return condition(last)

        try:
            harness.wait_until(check, 5, what)
        except TimeoutError as timeout:
            raise AssertionError(f"{timeout}: {last}") from None
        return last
