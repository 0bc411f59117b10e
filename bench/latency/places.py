"""Where programs are: the one place that knows. To be imported before the harness, which reads OUT.

In the source tree everything lies where it was built; a package keeps the same tree below
PREFIX/lib/rise (scripts/latency, bench/, tests/harness.py), and the programs are in PREFIX/bin.
`rise bench` says by OUT which ones are meant: those beside itself.
"""
import os
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / "build" / "release"
PREFIX = ROOT.parent.parent


def out():
    """The folder with bin/ in it."""
    if "OUT" in os.environ:
        return pathlib.Path(os.environ["OUT"]).resolve()
    if not (BUILT / "bin").exists() and (PREFIX / "bin" / "rise-core").exists():
        return PREFIX
    return BUILT


os.environ["OUT"] = str(out())


def missing_programs():
    """Of ours; empty if all are there."""
    folder = out() / "bin"
    return [
        str(folder / name)
        for name in ("rise", "rise-core", "rise-sidecar", "cncsim")
        if not os.access(folder / name, os.X_OK)
    ]


def tool(name):
    """The path of somebody else's program, or None. Users' PATH lacks some of Debian's folders."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
