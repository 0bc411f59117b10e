"""Pictures of a run and of a soak, drawn by matplotlib, for files and for the report.

Without matplotlib there are none, and that is said; nothing else needs them.
"""
import io
import math
import re

from latency import summary

COLOURS = {"cyclictest": "#777777", "lane": "#0060c0"}


class Absent(Exception):
    """Nothing can be drawn here: why."""


def pyplot():
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot as drawn
    except ImportError:
        raise Absent(
            "no plots: matplotlib is not installed (scripts/setup latency, or apt install "
            "python3-matplotlib); the data is complete without them"
        ) from None
    # Text stays text: it can be searched, and needs no outlines of letters.
    matplotlib.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "rise", "font.size": 9, "axes.grid": True}
    )
    matplotlib.rcParams.update({"grid.alpha": 0.3, "figure.figsize": (8, 4)})
    return drawn


def begin(title, across, up):
    figure, axes = pyplot().subplots(layout="constrained")
    axes.set_title(title, loc="left")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return figure, axes


def logarithmic(axis):
    """With plain numbers: 20, not 2 x 10^1."""
    from matplotlib.ticker import LogFormatter

    axis.set_major_formatter(LogFormatter())
    axis.set_minor_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(1.5, 0.5)))


def histogram(load):
    """As OSADL's: values on a line, how many on a log axis. Bins of several widths are comparable
    as values per microsecond. Where a few values lie far off, the line is logarithmic as well:
    otherwise all others would be one stroke."""
    figure, axes = begin(
        f"{load.name}: wake-up latency, all rounds", "latency in us", "values per us"
    )
    largest, lowest, middle = 0, math.inf, math.inf
    for subject in load.subjects():
        whole = load.whole(subject)
        edges, heights = [], []
        for bottom, top, count in whole.bins:
            edges += [bottom / 1000, bottom / 1000, top / 1000, top / 1000]
            height = count * 1000 / (top - bottom)
            heights += [1e-9, height, height, 1e-9]
        largest = max(largest, whole.max_ns / 1000)
        lowest = min(lowest, whole.bins[0][0] / 1000)
        middle = min(middle, whole.percentile(0.5) / 1000)
        label = f"{subject}: {whole.count} values, worst {whole.max_ns // 1000} us"
        axes.fill_between(edges, heights, 1e-9, color=COLOURS[subject], alpha=0.35, linewidth=0)
        axes.plot(edges, heights, color=COLOURS[subject], linewidth=0.8, label=label)
        axes.axvline(whole.max_ns / 1000, color=COLOURS[subject], linestyle=":")
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.01)
    if largest > 20 * middle:
        axes.set_xscale("log")
        axes.set_xlim(max(lowest / 1.3, 0.5), largest * 1.3)
        logarithmic(axes.xaxis)
    else:
        axes.set_xlim(0, largest * 1.05 + 1)
    axes.legend(loc="upper right")
    return figure


def time_line(load):
    """The worst of each second, at the time when it was; the rounds of the two take turns."""
    figure, axes = begin(f"{load.name}: worst of each second", "time in s", "latency in us")
    begun = min(start for lines in load.lines.values() for start, _ in lines)
    for subject in load.subjects():
        label = subject
        for start, line in load.lines[subject]:
            times = [start - begun + second for second, _ in line]
            worst = [us for _, us in line]
            shape = {"marker": ".", "markersize": 4, "linewidth": 0.8}
            axes.plot(times, worst, color=COLOURS[subject], label=label, **shape)
            label = None
    axes.set_yscale("log")
    logarithmic(axes.yaxis)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right")
    return figure


def cumulative(load):
    """Which share of all values is later than x."""
    figure, axes = begin(f"{load.name}: share that is later", "latency in us", "share of values")
    for subject in load.subjects():
        whole = load.whole(subject)
        left, edges, shares = whole.count, [], []
        for bottom, top, count in whole.bins:
            # Neither axis has a place for 0.
            edges += [max(bottom, 100) / 1000, max(top, 100) / 1000]
            shares += [left / whole.count, max(left - count, 0.5) / whole.count]
            left -= count
        axes.plot(edges, shares, color=COLOURS[subject], label=subject)
    for share, name in ((0.5, "p50"), (0.01, "p99"), (0.001, "p99.9")):
        axes.axhline(share, color="#aaaaaa", linewidth=0.6, linestyle="--")
        axes.annotate(name, (1, share), xycoords=("axes fraction", "data"), fontsize=7)
    axes.set_xscale("log")
    axes.set_yscale("log")
    logarithmic(axes.xaxis)
    axes.legend(loc="upper right")
    return figure


KINDS = {"histogram": histogram, "time-line": time_line, "cumulative": cumulative}


def soak(samples, names, title, unit):
    """Values of a soak over its hours."""
    figure, axes = begin(title, "time in h", unit)
    for name in names:
        points = [(s["elapsed_s"] / 3600, s[name]) for s in samples if s.get(name) is not None]
        if points:
            axes.plot(*zip(*points), label=name, linewidth=0.9, marker=".", markersize=3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right")
    return figure


def close(figure):
    pyplot().close(figure)


def write(result, folder):
    """SVG and PNG of every load of a run. -> the files."""
    drawn = pyplot()
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for load in summary.loads_of(result):
        for kind, draw in KINDS.items():
            figure = draw(load)
            for suffix in ("svg", "png"):
                file = folder / f"{kind}-{load.name.replace('+', '-')}.{suffix}"
                figure.savefig(file, dpi=120)
                files.append(file)
            drawn.close(figure)
    return files


def inline(figure, number):
    """An SVG to stand in a page: no header, nothing from elsewhere, names of its own."""
    text = io.StringIO()
    figure.savefig(text, format="svg")
    close(figure)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>p{number}-", svg)
