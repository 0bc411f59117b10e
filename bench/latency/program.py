"""The command line of the latency scripts. Exit codes: 0 done; 1 failed, refused, drifted, worse;
64 bad usage."""
import argparse
import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import types

from latency import compare, drift, grade, loads, measure, plots, report, results, soak, summary
from latency.options import Options, cores

BAD_USAGE = 64
ABOUT = "Wake-up latency of a lane beside cyclictest's: measured, compared, told."


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(BAD_USAGE, f"{self.prog}: {message}\n")


def within(low, high, kind=int):
    def check(text):
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text} is no number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not within {low} to {high}")
        return value

    return check


def wanted_loads(text):
    try:
        return loads.parse(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None


def say(text):
    print(text, flush=True)


def default_file(kind):
    return pathlib.Path(time.strftime(f"latency-{kind}-%Y%m%d-%H%M%S.json", time.gmtime()))


def best_core():
    """The lane's core as `rise doctor` chooses it; without its word the last one."""
    chosen = grade.doctor().get("lane_cpu")
    return max(os.sched_getaffinity(0)) if chosen is None else chosen


def options_of(arguments):
    cpu = best_core() if arguments.cpu is None else arguments.cpu
    if not pathlib.Path(f"/sys/devices/system/cpu/cpu{cpu}").exists():
        raise RuntimeError(f"this machine has no core {cpu}")
    return Options(
        seconds=getattr(arguments, "seconds", 0),
        rounds=getattr(arguments, "rounds", 0),
        seed=getattr(arguments, "seed", 0),
        period_us=arguments.period_us,
        priority=arguments.priority,
        machines=arguments.machines,
        cpu=cpu,
        **cores(cpu),
    )


def run(arguments):
    options = options_of(arguments)
    out = arguments.out or default_file("run")
    say(f"core {options.cpu}, period {options.period_us} us, priority {options.priority}; to {out}")
    save = functools.partial(results.write, out)
    measurement = measure.Measurement(options, arguments.load, say, save).run()
    result = measurement.result()
    results.write(out, result)
    result = results.read(out)
    for line in summary.table(result):
        say(line)
    say(f"written to {out}")
    if arguments.plots:
        try:
            files = plots.write(result, arguments.plots)
            say(f"{len(files)} plots in {arguments.plots}")
        except plots.Absent as why:
            say(f"note: {why}")
    return 1 if measurement.interrupted else 0


def compared(arguments):
    before, after = (results.read(file, ("run",)) for file in (arguments.before, arguments.after))
    found = compare.Comparison(before, after, arguments.anyway)
    if arguments.json:
        say(json.dumps(found.as_json()))
    else:
        for line in found.lines():
            say(line)
    return 1 if arguments.check and found.worse else 0


def reported(arguments):
    page, without = report.make([results.read(file) for file in arguments.files])
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(page, encoding="utf-8")
    if without:
        say(f"note: {without}")
    say(f"written to {arguments.out}")
    return 0


def soaked(arguments):
    out = arguments.out or default_file("soak")
    warm_up_s = arguments.warm_up_s
    if warm_up_s is None:
        warm_up_s = min(600.0, arguments.hours * 360)
    samples = int((arguments.hours * 3600 - warm_up_s) / arguments.interval_s)
    if samples < 3 * drift.ENOUGH:
        raise RuntimeError(
            f"{max(0, samples)} samples after the warm-up would give no verdict, "
            f"{3 * drift.ENOUGH} are needed: more --hours, or a shorter --interval-s"
        )
    options = options_of(arguments)
    settings = types.SimpleNamespace(
        hours=arguments.hours,
        interval_s=arguments.interval_s,
        load=arguments.load[0],
        region=arguments.region,
        limits={
            "warm_up_s": warm_up_s,
            "latency": arguments.max_latency_drift / 100,
            "memory_kib": arguments.max_memory_drift,
            "descriptors": arguments.max_fd_drift,
        },
        save=functools.partial(results.write, out),
    )
    done = soak.Soak(options, settings, say).run()
    results.write(out, done.result())
    for finding in done.findings:
        say(drift.words(finding))
    for line in done.remarks:
        say(f"note: {line}")
    if done.fault:
        print(f"latency soak: {done.fault}", file=sys.stderr)
    if done.drifted:
        names = sorted({finding["what"] for finding in done.drifted})
        say(f"drifted: {', '.join(names)}")
    elif not done.fault:
        say("nothing has drifted")
    say(f"written to {out}")
    return 1 if done.drifted or done.fault or done.interrupted else 0


def add_common(parser):
    parser.add_argument("--period-us", type=within(125, 100_000), default=1000, metavar="US")
    parser.add_argument(
        "--priority", type=within(0, 99), default=80, help="SCHED_FIFO; 0: ordinary scheduling"
    )
    parser.add_argument(
        "--cpu", type=within(0, 1023), help="the measured core (default: as rise doctor chooses)"
    )
    parser.add_argument(
        "--machines", type=within(0, 200), default=8, help="simulated controls on the lane (8)"
    )
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", help="the data, as JSON")


def parser():
    top = Parser(prog=os.environ.get("RISE_PROGRAM", "latency"), description=ABOUT)
    verbs = top.add_subparsers(dest="verb", required=True, parser_class=Parser)

    names = f"{', '.join(loads.NAMES)}, all; several with commas, at once with +"
    one = verbs.add_parser("run", help="measure cyclictest and the lane in turn")
    one.add_argument("--load", type=wanted_loads, default=["none"], help=names)
    one.add_argument("--rounds", type=within(1, 10_000), default=5, help="of each load (5)")
    one.add_argument("--seconds", type=within(1, 86_400), default=10, help="of each round (10)")
    one.add_argument("--seed", type=int, default=1, help="of the order within the rounds (1)")
    one.add_argument("--plots", type=pathlib.Path, metavar="DIR", help="SVG and PNG into it")
    add_common(one)
    one.set_defaults(call=run)

    two = verbs.add_parser("compare", help="what has changed from BEFORE to AFTER")
    two.add_argument("before", type=pathlib.Path)
    two.add_argument("after", type=pathlib.Path)
    two.add_argument("--json", action="store_true")
    two.add_argument("--anyway", action="store_true", help="what cannot be compared, too")
    two.add_argument("--check", action="store_true", help="exit code 1 if the lane is worse")
    two.set_defaults(call=compared)

    page = verbs.add_parser("report", help="one HTML page of runs and soaks")
    page.add_argument("files", type=pathlib.Path, nargs="+", metavar="FILE")
    page.add_argument("--out", type=pathlib.Path, default=pathlib.Path("latency.html"))
    page.set_defaults(call=reported)

    long = verbs.add_parser("soak", help="run for hours: does anything grow?")
    number = within(0, 1e9, float)
    long.add_argument("--hours", type=within(0.0001, 10_000, float), required=True)
    long.add_argument("--interval-s", type=within(0.3, 3600, float), default=60.0)
    long.add_argument("--warm-up-s", type=number, help="left out (a tenth, at most 600)")
    long.add_argument("--load", type=wanted_loads, default=["none"], help="one of: " + names)
    long.add_argument("--region", help="of a core that runs already, which is only looked at")
    long.add_argument("--max-latency-drift", type=number, default=25.0, metavar="PERCENT")
    long.add_argument("--max-memory-drift", type=number, default=1024.0, metavar="KIB")
    long.add_argument("--max-fd-drift", type=number, default=0.0, metavar="N")
    add_common(long)
    long.set_defaults(call=soaked)
    return top


def ended(*_):
    raise KeyboardInterrupt


def main():
    parsed = parser()
    arguments = parsed.parse_args()
    if arguments.verb == "soak" and len(arguments.load) != 1:
        parsed.error("a soak has one load (several at once with +)")
    # Told to end, we end what we have started.
    signal.signal(signal.SIGTERM, ended)
    try:
        return arguments.call(arguments)
    except compare.Refused as why:
        print(f"not comparable: {why}\n(--anyway compares them with a warning)", file=sys.stderr)
    except (results.Bad, RuntimeError, OSError, subprocess.SubprocessError) as fault:
        print(f"latency {arguments.verb}: {fault}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"latency {arguments.verb}: interrupted", file=sys.stderr)
    return 1
