"""Test programs that do what they are told by lines on their standard input (tests/io)."""
import contextlib
import os
import re
import select
import subprocess
import time
import unittest

from common import harness


class Told:
    """A running one. `first`: its first word, "ready ..." or "error ...", or None."""

    KEEPS = False  # lines that were not asked for wait for their turn; otherwise they are lost

    def __init__(self, command, options, env=None):
        self.process = subprocess.Popen(
            [*command] + [f"{key}={value}" for key, value in options.items()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
        )
        self.lines = []
        self.buffer = b""
        self.first = self.line("ready|error", 20)

    def line(self, pattern, seconds=10):
        """The next line that begins like this. None: there is none."""
        end = time.monotonic() + seconds
        while True:
            for i, text in enumerate(self.lines):
                if re.match(pattern, text):
                    del self.lines[i if self.KEEPS else 0 : i + 1]
                    return text
            if not self.KEEPS:
                self.lines.clear()
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                return None
            *whole, self.buffer = (self.buffer + got).split(b"\n")
            self.lines += [text.decode(errors="replace") for text in whole]

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, answer, *words):
        """Tells, and gives the numbers of the answer."""
        self.tell(*words)
        text = self.line(answer)
        return [float(n) if "." in n else int(n) for n in re.findall(r"-?[\d.]+", text or "")]

    def figures(self):
        self.tell("figures")
        return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", self.line("figures") or "")}

    def close(self):
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


class WaitsForFigures(unittest.TestCase):
    def wait_figures(self, program, condition, what, seconds=20):
        last = {}

        def check():
            last.update(program.figures())
            return condition(last)

        try:
            harness.wait_until(check, seconds, what)
        except TimeoutError as timeout:
            raise AssertionError(f"{timeout}: {last}") from None
        return last
