"""Two network namespaces joined by one veth pair, made for one test or bench and removed with it.

The names carry the number of this process and a counter, so that several can exist beside one
another; nothing of the machine's own network is touched. Needs root and iproute2.
"""
import contextlib
import ctypes
import fcntl
import itertools
import os
import shutil
import socket
import struct
import subprocess

NUMBERS = itertools.count(1)
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def reason_to_skip():
    """Why there can be no veth pair here; empty: there can."""
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    if shutil.which("ip") is None:
        return "needs iproute2 (ip)"
    probe = f"rise-probe-{os.getpid()}"
    done = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if done.returncode != 0:
        return "no network namespaces here: " + done.stderr.strip()
    subprocess.run(["ip", "netns", "del", probe], check=False)
    return ""


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)


class Veth:
    """`ours` and `theirs`: namespaces. `port`: our end, without an address of the kernel unless
    given; `peer`: their end, with the address 10.77.0.2/24 and a known Ethernet address."""

    NETWORK = "10.77.0."
    OUR_ADDRESS = NETWORK + "1"  # DPDK's
    PEER_ADDRESS = NETWORK + "2"
    KERNEL_ADDRESS = NETWORK + "3"  # of our end, where the kernel carries it
    PEER_MAC = "02:00:00:00:00:02"
    OUR_MAC = "02:00:00:00:00:01"

    def __init__(self):
        number = f"{os.getpid()}-{next(NUMBERS)}"
        self.ours, self.theirs = f"rise-a-{number}", f"rise-b-{number}"
        # Interface names have 15 letters at most.
        self.port, self.peer = "port", "peer"
        self.made = []
        try:
            self.make()
        except BaseException:
            self.close()
            raise

    def make(self):
        for name in (self.ours, self.theirs):
            ip("netns", "add", name)
            self.made.append(name)
        ip(
            "-n",
            self.ours,
            "link",
            "add",
            self.port,
            "address",
            self.OUR_MAC,
            "type",
            "veth",
            "peer",
            "name",
            self.peer,
            "address",
            self.PEER_MAC,
            "netns",
            self.theirs,
        )
        for name, end in ((self.ours, self.port), (self.theirs, self.peer)):
            # No IPv6: its neighbour discovery would be noise in every count.
            ip("-n", name, "link", "set", end, "addrgenmode", "none")
            ip("-n", name, "link", "set", end, "up")
            # veth hands over checksums unfinished; a packet socket would see them so.
            with self.inside(name):
                no_offload(end)
        ip("-n", self.theirs, "address", "add", self.PEER_ADDRESS + "/24", "dev", self.peer)

    def give_kernel_address(self):
        ip("-n", self.ours, "address", "add", self.KERNEL_ADDRESS + "/24", "dev", self.port)

    def link(self, state):
        ip("-n", self.ours, "link", "set", self.port, state)

    def forget_neighbours(self):
        """The kernel at their end asks for us again."""
        ip("-n", self.theirs, "neighbour", "flush", "all")

    def neighbour(self):
        """What the kernel at their end knows of our address."""
        done = subprocess.run(
            ["ip", "-n", self.theirs, "neighbour", "show", self.OUR_ADDRESS],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def prefix(self, name):
        return ["ip", "netns", "exec", name]

    @contextlib.contextmanager
    def inside(self, name):
        """This thread is in the namespace meanwhile: sockets made there stay there."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{name}") as there:
            enter(there)
            try:
                yield
            finally:
                enter(home)

    def udp(self, port=0):
        """A UDP socket of the kernel at their end."""
        with self.inside(self.theirs):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((self.PEER_ADDRESS, port))
        made.settimeout(5)
        return made

    def raw(self):
        """A socket for whole frames at their end."""
        with self.inside(self.theirs):
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        made.bind((self.peer, 0))
        made.settimeout(0.2)
        return made

    def close(self):
        for name in self.made:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        self.made = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def enter(namespace):
    if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def no_offload(interface):
    """ethtool -K INTERFACE tx off"""
    SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
    value = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCETHTOOL, request)
