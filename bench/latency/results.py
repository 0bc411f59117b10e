"""The file of a run or a soak: written at once or not at all, and read with suspicion."""
import json
import os
import pathlib

from latency.histogram import Histogram

FORMAT = "rise-latency"
VERSION = 1
KINDS = ("run", "soak")


class Bad(Exception):
    """A file that cannot be used: which, and why."""


def write(path, result):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"format": FORMAT, "version": VERSION, **result}
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(whole, separators=(",", ":")) + "\n")
    os.replace(beside, path)


def read(path, kinds=KINDS):
    """-> the result, its histograms as Histogram. Bad: it is damaged, or not of these kinds."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise Bad(f"{path}: cannot be read: {fault}") from None
    try:
        result = json.loads(text)
    except ValueError as fault:
        raise Bad(f"{path}: damaged, or no JSON: {fault}") from None
    try:
        check(result, kinds)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        words = f"{fault.args[0]} is missing" if isinstance(fault, KeyError) else str(fault)
        raise Bad(f"{path}: {words}") from None
    result["path"] = str(path)
    return result


def check(result, kinds):
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise ValueError("not a file of the latency scripts")
    if result["version"] != VERSION:
        raise ValueError(
            f"version {result['version']} of the format; this program knows {VERSION}: "
            "use the program that has written it"
        )
    if result["kind"] not in kinds:
        raise ValueError(f"a {result['kind']}; wanted: {' or '.join(kinds)}")
    if not isinstance(result["machine"], dict) or not isinstance(result["parameters"], dict):
        raise ValueError("damaged: machine or parameters are no tables")
    for name in ("period_us", "priority", "cpu", "machines", "seconds"):
        if not isinstance(result["parameters"][name], (int, float)):
            raise ValueError(f"damaged: parameters.{name} is no number")
    if not isinstance(result["remarks"], list) or not isinstance(result["doctor"], dict):
        raise ValueError("damaged: remarks or doctor")
    if result["kind"] == "run":
        check_run(result)
    else:
        check_soak(result)


def check_run(result):
    if not isinstance(result["loads"], dict):
        raise ValueError("damaged: loads")
    for number, entry in enumerate(result["measurements"]):
        where = f"damaged: measurement {number}"
        try:
            if entry["subject"] not in ("cyclictest", "lane"):
                raise ValueError(f"a subject that nobody knows, {entry['subject']}")
            entry["load"], entry["round"] = str(entry["load"]), int(entry["round"])
            entry["started_utc"] = float(entry["started_utc"])
            entry["time_line"] = [[float(s), float(us)] for s, us in entry["time_line"]]
            entry["histogram"] = Histogram.of_json(entry["histogram"])
            if entry["subject"] == "lane":
                str(entry["lane"]["scheduling"])
        except KeyError as fault:
            raise ValueError(f"{where}: {fault.args[0]} is missing") from None
        except (TypeError, ValueError) as fault:
            raise ValueError(f"{where}: {fault}") from None


def check_soak(result):
    for number, sample in enumerate(result["samples"]):
        if not isinstance(sample, dict) or not isinstance(sample.get("elapsed_s"), (int, float)):
            raise ValueError(f"damaged: sample {number}")
    for finding in result["findings"]:
        if not isinstance(finding.get("what"), str) or not isinstance(finding["drifted"], bool):
            raise ValueError("damaged: findings")
