"""What the tests of the DPDK datagram port share: frames, the program under test, a veth pair."""
import shutil
import socket
import struct
import tempfile
import unittest

from common import harness
from told import Told, WaitsForFigures

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


class Echo(Told):
    """tests/io/dpdk_echo.cpp in our namespace."""

    def __init__(self, pair, device="net_af_packet0", env=None, prefix=(), **options):
        words = {
            "library": LIBRARY,
            "device": f"{device},iface={pair.port}",
            "address": pair.OUR_ADDRESS + "/24",
            "port": PORT,
            **options,
        }
        super().__init__([*pair.prefix(pair.ours), *prefix, PROGRAM], words, env)


@unittest.skipIf(WHY, WHY)
class Dpdk(WaitsForFigures):
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
