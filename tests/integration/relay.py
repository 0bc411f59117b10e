"""Stands between a FOCAS client and a control, and keeps what they say."""
import selectors
import socket
import threading

HEADER_BYTES = 10  # its last two: how many bytes follow


class Relay:
    """`port`: where to connect to instead. `spoken`: request frame -> its last reply."""

    def __init__(self, control):
        self.control = control
        self.spoken = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join(timeout=5)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def run(self):
        while not self.ended.is_set():
            for key, _ in self.selector.select(0.05):
                key.data()

    def accept(self):
        client, _ = self.listener.accept()
        Session(self, client, socket.create_connection(("127.0.0.1", self.control)))


class Session:
    """One connection: replies come in the order of the requests."""

    def __init__(self, relay, client, control):
        self.relay = relay
        self.asked = []
        self.pass_on(client, control, self.asked.append)
        self.pass_on(control, client, self.answered)

    def answered(self, reply):
        if self.asked:
            self.relay.spoken[self.asked.pop(0)] = reply

    def pass_on(self, source, target, frame):
        received = bytearray()

        def ready():
            try:
                data = source.recv(65536)
                target.sendall(data)
            except OSError:
                data = b""
            if not data:
                for end in (source, target):
                    if end.fileno() >= 0 and end in self.relay.selector.get_map():
                        self.relay.selector.unregister(end)
                    end.close()
                return
            received.extend(data)
            while len(received) >= HEADER_BYTES:
                end = HEADER_BYTES + int.from_bytes(received[8:HEADER_BYTES], "big")
                if len(received) < end:
                    break
                frame(bytes(received[:end]))
                del received[:end]

        self.relay.selector.register(source, selectors.EVENT_READ, ready)
