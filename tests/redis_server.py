"""Real Redis servers for tests and benches, on loopback, in folders of their own; and certificates."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import harness

SERVER = shutil.which("redis-server")
WHY = "" if SERVER and shutil.which("redis-cli") else "redis-server or redis-cli is missing"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def reply_of(file):
    """One reply of RESP2: text, number, None or list; an error as an Exception in its place."""
    line = file.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError("the server has closed the connection")
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return rest.decode()
    if kind == b"-":
        return RuntimeError(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else file.read(int(rest) + 2)[:-2].decode(errors="replace")
    return None if rest == b"-1" else [reply_of(file) for _ in range(int(rest))]


class Server:
    """A redis-server. Ends with close()."""

    def __init__(self, *arguments, port=None, prefix=()):
        self.port = port or free_port()
        self.folder = tempfile.mkdtemp(prefix="rise-redis-")
        self.arguments = arguments
        self.prefix = prefix
        self.process = None
        self.start()

    def start(self):
        self.log = open(os.path.join(self.folder, "log"), "a")
        self.process = subprocess.Popen(
            [*self.prefix, SERVER, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
            + [
                "--appendonly",
                "no",
                "--repl-diskless-sync-delay",
                "0",
                "--dir",
                self.folder,
                *map(str, self.arguments),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        harness.wait_until(self.answers, 30, "redis-server answers")

    def answers(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, "log")) as log:
                raise RuntimeError("redis-server ended: " + log.read())
        try:
            return self.do("PING", check=False) == "PONG"  # it may be loading still
        except OSError:
            return False

    def do(self, *words, user=None, check=True):
        """One command; what it answers. Errors are raised, unless `check` is off."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            with connection.makefile("rb") as file:
                for command in ([("AUTH", *user)] if user else []) + [words]:
                    data = [str(word).encode() for word in command]
                    connection.sendall(
                        b"*%d\r\n" % len(data)
                        + b"".join(b"$%d\r\n%s\r\n" % (len(d), d) for d in data)
                    )
                    reply = reply_of(file)
        if check and isinstance(reply, Exception):
            raise reply
        return reply

    def entries(self, stream):
        """Each entry of a stream: a list of (name, value)."""
        found = []
        for _, fields in self.do("XRANGE", stream, "-", "+"):
            found.append(list(zip(fields[::2], fields[1::2])))
        return found

    def pending(self, stream, group):
        return self.do("XPENDING", stream, group)[0]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=5)
        self.log.close()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def certificates(folder):
    """An authority, and a certificate of its for redis.test; files with elliptic-curve keys."""

    def openssl(*arguments):
        subprocess.run(
            ["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=20
        )

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ("ca", "other"):
        subject = ["-subj", f"/CN={name}", "-days", "2"]
        openssl("req", "-x509", *curve, "-keyout", f"{name}.key", "-out", f"{name}.pem", *subject)
    openssl("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=redis.test")
    with open(os.path.join(folder, "extensions"), "w") as file:
        file.write("subjectAltName=DNS:redis.test\n")
    openssl(
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
        *("-CAcreateserial", "-days", "2", "-out", "server.pem", "-extfile", "extensions"),
    )


class Cluster:
    """Three masters that share the slots."""

    def __init__(self):
        self.servers = []
        try:
            while len(self.servers) < 3:
                # The bus between the nodes has a port of its own, 10000 above.
                port = harness.free_ports(1) + 100 + len(self.servers)
                self.servers.append(
                    Server(
                        *("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"),
                        *("--cluster-node-timeout", "2000"),
                        port=port,
                    )
                )
            first = self.servers[0]
            ranges = ((0, 5460), (5461, 10922), (10923, 16383))
            for server, (low, high) in zip(self.servers, ranges):
                server.do("CLUSTER", "ADDSLOTSRANGE", low, high)
                server.do("CLUSTER", "SET-CONFIG-EPOCH", self.servers.index(server) + 1)
            for server in self.servers[1:]:
                first.do("CLUSTER", "MEET", "127.0.0.1", server.port)
            harness.wait_until(self.whole, 10, "the cluster is whole")
        except BaseException:
            self.close()
            raise

    def whole(self):
        return all(
            "cluster_state:ok" in server.do("CLUSTER", "INFO")
            and "cluster_known_nodes:3" in server.do("CLUSTER", "INFO")
            for server in self.servers
        )

    def do(self, *words, key):
        """At the node that has the key."""
        slot = self.servers[0].do("CLUSTER", "KEYSLOT", key)
        return self.servers[0 if slot <= 5460 else 1 if slot <= 10922 else 2].do(*words)

    def close(self):
        for server in self.servers:
            server.close()


def benchmark(port, depth, count, command, prefix=()):
    """What redis-benchmark gets through with one connection, commands per second."""
    done = subprocess.run(
        [*prefix, "redis-benchmark", "-p", str(port), "-c", "1", "-P", str(depth)]
        + ["-n", str(count), "-q", *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    rates = re.findall(r"([\d.]+) requests per second", done.stdout)
    if not rates:
        raise RuntimeError("redis-benchmark: " + done.stdout + done.stderr)
    return float(rates[-1])
