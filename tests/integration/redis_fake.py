"""Something that speaks as Redis does, until it misbehaves as it is told."""
import socket
import socketserver
import threading


class Fake:
    """`misbehave(words, connection)` is asked about every command but those of a greeting: bytes are
    sent as they are, None closes the connection, and an empty answer says nothing at all."""

    GREETING = (b"AUTH", b"CLIENT", b"SELECT", b"PING")

    def __init__(self, misbehave, greeting=None):
        self.misbehave = misbehave
        self.greeting = greeting
        self.connections = 0
        self.commands = []
        self.open = []
        fake = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                fake.connections += 1
                fake.open.append(self.connection)
                while True:
                    try:
                        words = self.words()
                        if words is None or not fake.answer(words, self.connection):
                            return
                    except OSError:
                        return

            def words(self):
                head = self.rfile.readline()
                if not head.startswith(b"*"):
                    return None
                words = []
                for _ in range(int(head[1:])):
                    length = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(length + 2)[:-2])
                return words

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.port = self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, words, connection):
        name = words[0].upper()
        if name in self.GREETING:
            reply = b"+PONG\r\n" if name == b"PING" else b"+OK\r\n"
            if self.greeting is not None:
                reply = self.greeting(words) or reply
        elif name in (b"SADD", b"SMEMBERS"):
            reply = b":1\r\n" if name == b"SADD" else b"*0\r\n"
        else:
            self.commands.append(words)
            reply = self.misbehave(words, connection)
        if reply is None:
            return False
        connection.sendall(reply)
        return True

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
