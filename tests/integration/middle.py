"""A man in the middle: two veth pairs, and this process carries each frame from one to the other.

What he does to TCP segments is for the test to say: lose, double, hold back, damage. tc's netem does
such things, too, but not every kernel has it, and it does not lose the one segment that is meant.
"""
import select
import socket
import threading
import time

import veth

PACKET_OUTGOING = 4
FIN, SYN, RST, ACK = 1, 2, 4, 16
TO_PEER, TO_US = 0, 1


class Segment:
    """One TCP segment on its way."""

    def __init__(self, direction, frame):
        self.direction, self.frame, self.time = direction, frame, time.monotonic()
        header = 14 + (frame[14] & 15) * 4
        total = 14 + int.from_bytes(frame[16:18], "big")
        self.sequence = int.from_bytes(frame[header + 4 : header + 8], "big")
        self.flags = frame[header + 13]
        self.payload = frame[header + (frame[header + 12] >> 4) * 4 : total]

    def says(self, text):
        return self.payload == text


class Middle:
    """`pair`-like: our program lives in `ours`, the kernel's peer in `theirs`.

    rule(segment) -> list of frames to send on; None stands for [segment.frame]. `seen`: all segments
    in the order in which they came, with their times."""

    OUR_ADDRESS, PEER_ADDRESS = veth.Veth.OUR_ADDRESS, veth.Veth.PEER_ADDRESS
    KERNEL_ADDRESS = veth.Veth.KERNEL_ADDRESS

    def __init__(self):
        self.near, self.far = veth.Veth(), veth.Veth()
        self.ours, self.theirs, self.port = self.near.ours, self.far.theirs, self.near.port
        # He has no address of his own: his kernel answers nobody.
        veth.ip("-n", self.near.theirs, "address", "flush", "dev", self.near.peer)
        self.rule = None
        self.seen = []
        self.stopping = False
        self.sockets = [
            self.listen(self.near.theirs, self.near.peer),
            self.listen(self.far.ours, self.far.port),
        ]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def listen(self, namespace, interface):
        with self.near.inside(namespace):
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        made.bind((interface, 0))
        return made

    def run(self):
        while not self.stopping:
            ready, _, _ = select.select(self.sockets, [], [], 0.05)
            for source in ready:
                frame, address = source.recvfrom(4096)
                if address[2] == PACKET_OUTGOING:
                    continue
                direction = self.sockets.index(source)
                for one in self.judge(direction, frame):
                    try:
                        self.sockets[1 - direction].send(one)
                    except OSError:  # the namespace is going away
                        return

    def judge(self, direction, frame):
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            return [frame]
        segment = Segment(direction, frame)
        self.seen.append(segment)
        verdict = self.rule(segment) if self.rule else None
        return [frame] if verdict is None else verdict

    def lose(self, count, matches):
        """The first `count` segments that match are lost; they are put into the list it gives."""
        lost = []

        def rule(segment):
            if len(lost) < count and matches(segment):
                lost.append(segment)
                return []
            return None

        self.rule = rule
        return lost

    def recovery_ms(self, lost):
        """How long after the loss the same bytes came again from the same side."""
        for segment in self.seen:
            if (
                segment.time > lost.time
                and segment.direction == lost.direction
                and segment.sequence == lost.sequence
                and (segment.payload == lost.payload)
                and (segment.flags & (SYN | FIN)) == (lost.flags & (SYN | FIN))
            ):
                return (segment.time - lost.time) * 1000
        return None

    def prefix(self, name):
        return self.near.prefix(name)

    def inside(self, name):
        return self.near.inside(name)

    def give_kernel_address(self):
        self.near.give_kernel_address()

    def close(self):
        self.stopping = True
        self.thread.join(5)
        for one in self.sockets:
            one.close()
        self.near.close()
        self.far.close()
