"""What the tests of the latency scripts share."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from common import harness

sys.path.insert(0, str(harness.ROOT / "bench"))
from latency import results  # noqa: E402

SCRIPT = harness.ROOT / "scripts" / "latency"


def call(*words, env=None, prefix=(), limit=100):
    return subprocess.run(
        [*prefix, SCRIPT, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=limit,
        env={**os.environ, "OUT": str(harness.OUT), **(env or {})},
    )


class InAFolder(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory(prefix="rise-latency-")
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)

    def saved(self, name, result):
        results.write(self.folder / name, result)
        return self.folder / name
