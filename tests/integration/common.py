"""What the integration tests share: the harness, and reasons to skip."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402,F401

LANE = '[[lane]]\nname = "main"\n'


def lane_with(machine):
    """The config of a lane with one machine that is simulated and always well."""
    return (
        f'{LANE}[[machine]]\nname = "{machine}"\ndriver = "misbehaves"\n'
        '[machine.misbehaves]\nhow = "none"\nafter = 1\n'
    )


def needs_root(test):
    return unittest.skipUnless(os.geteuid() == 0, "needs root")(test)


def without_realtime():
    """A prefix that runs a program as a user without any privilege for real time."""
    return [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
    ]
