"""A client of FOCAS, for tests of the simulator: frames, blocks, sessions, transfers."""
import socket
import struct

LIMIT_S = 10


def frame(kind, body=b""):
    return struct.pack(">IHHH", 0xA0A0A0A0, 1, kind, len(body)) + body


def block(command, *arguments, device=1, path=1, payload=b""):
    arguments = (list(arguments) + [0, 0, 0, 0])[:4]
    return (
        struct.pack(">HHHH4iI", 28 + len(payload), device, path, command, *arguments, len(payload))
        + payload
    )


class Client:
    """One FOCAS connection."""

    def __init__(self, port, payload=2):
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT_S)
        self.socket.settimeout(LIMIT_S)
        self.kind = None
        if payload:
            self.kind, self.version, self.open_body = self.talk(0x0101, struct.pack(">H", payload))

    def send(self, data):
        self.socket.sendall(data)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError("closed by the control")
            data += piece
        return data

    def receive(self):
        magic, version, kind, length = struct.unpack(">IHHH", self.exactly(10))
        assert magic == 0xA0A0A0A0, hex(magic)
        return kind, version, self.exactly(length)

    def talk(self, kind, body=b""):
        self.send(frame(kind, body))
        return self.receive()

    def ask(self, *blocks):
        """-> [(status, data)]"""
        kind, _, body = self.talk(0x2101, struct.pack(">H", len(blocks)) + b"".join(blocks))
        assert kind == 0x2102, hex(kind)
        answers, at = [], 2
        for _ in range(struct.unpack(">H", body[:2])[0]):
            length, status, size = struct.unpack(">H6xh4xH", body[at : at + 16])
            assert length == 16 + size
            answers.append((status, body[at + 16 : at + length]))
            at += length
        assert at == len(body)
        return answers

    def number(self, command, *arguments):
        ((status, data),) = self.ask(block(command, *arguments))
        assert status == 0, status
        mantissa, base, exponent = struct.unpack(">ihh", data[:8])
        return mantissa / base**exponent

    def download(self, text, name=b""):
        start = struct.pack(">HH", 0, 1) + name.ljust(512, b"\0")
        kind, _, _ = self.talk(0x1101, start)
        assert kind == 0x1102, hex(kind)
        for at in range(0, len(text), 1280):
            self.send(frame(0x1204, text[at : at + 1280]))
        return self.talk(0x1301)[0]

    def upload(self, name):
        self.send(frame(0x1501, struct.pack(">HH", 0, 1) + name.ljust(512, b"\0")))
        kind, _, body = self.receive()
        if kind != 0x1502:
            return kind, body
        text = b""
        while True:
            kind, _, body = self.receive()
            if kind == 0x1701:
                self.send(frame(0x1702))
                return kind, text
            assert kind == 0x1604 and len(body) <= 1280
            text += body

    def close(self):
        self.socket.close()
