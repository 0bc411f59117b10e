"""The grade of a run: by the bars of `rise doctor`, and by what it finds that real time cannot do
without. There is no second list of either: both are asked for.

F     a vital check of the doctor has failed, or the lane had no SCHED_FIFO
else  by the worst latency of the lane under any load: the grade of the first bar that it is within,
      D beyond the last one; not better than D if a vital check could not be read
A run of seconds can miss a bar. That a machine holds one, only a run as long as theirs can show.
"""
import json
import subprocess

from latency import lane  # noqa: F401  (finds the harness)
import harness  # noqa: E402


def doctor(cpu=None):
    """What `rise doctor` says of a core, or of the best one: {grade, bars, findings, lane_cpu}, or
    {"fault": why it says nothing}."""
    command = [harness.BIN / "rise", "doctor", "--json"]
    command += [] if cpu is None else ["--cpu", str(cpu)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        report = json.loads(done.stdout)
        return {key: report[key] for key in ("grade", "bars", "findings", "lane_cpu")}
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as fault:
        return {"fault": f"rise doctor says nothing: {fault!r}"}


def grade(report, schedulings, worst_us):
    """-> (letter, why in words). report: of doctor(); worst_us: None if nothing was measured."""
    if "fault" in report:
        return "F", [report["fault"]]
    if worst_us is None:
        return "F", ["no round of the lane was measured"]
    vital = [f for f in report["findings"] if f["vital"]]
    why = [f"{f['id']}: {f['found']}" for f in vital if f["verdict"] == "fail"]
    if any(how != "fifo" for how in schedulings):
        why.append("the lane had no SCHED_FIFO")
    if why:
        return "F", why
    for bar in report["bars"]:
        if worst_us <= bar["worst_us"]:
            letter = bar["grade"]
            words = f"worst {worst_us:.0f} us is within {bar['worst_us']:g} us ({bar['whose']})"
            break
    else:
        letter = "D"
        words = f"worst {worst_us:.0f} us is beyond every bar"
    unread = [f["id"] for f in vital if f["verdict"] == "unknown"]
    if unread and letter < "D":
        return "D", [words, f"could not be read: {', '.join(unread)}"]
    return letter, [words]
