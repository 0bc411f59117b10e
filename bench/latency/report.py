"""One HTML page of runs and soaks: tables, pictures, machines; nothing in it is fetched.

The first run is what the others are held against.
"""
import html
import json

from latency import compare, drift, plots, summary

STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: .6em 0 1.2em } caption { text-align: left }
th, td { border: 1px solid #ccc; padding: .2em .6em; text-align: left; vertical-align: top }
th { background: #f2f2f2 } td.number { font-variant-numeric: tabular-nums }
.grade { font-size: 1.3em; font-weight: bold } .F, .worse, .drift { color: #b00000 }
.better { color: #006000 } .note { color: #7a4b00 } svg { max-width: 100%; height: auto }
"""


def text(value):
    return html.escape(str(value))


def table(head, rows, kinds=()):
    """kinds: the class of each row, if any."""
    out = ["<table><tr>", *(f"<th>{text(cell)}</th>" for cell in head), "</tr>"]
    for number, row in enumerate(rows):
        kind = kinds[number] if number < len(kinds) else ""
        cells = "".join(f'<td class="number">{text(cell)}</td>' for cell in row)
        out.append(f'<tr class="{text(kind)}">{cells}</tr>')
    out.append("</table>")
    return "".join(out)


def notes(lines):
    return "".join(f'<p class="note">{text(line)}</p>' for line in lines)


class Page:
    def __init__(self):
        self.parts = []
        self.pictures = 0
        self.without = ""

    def add(self, *parts):
        self.parts += parts

    def picture(self, draw, *arguments):
        """Or the reason why there are none, once."""
        if self.without:
            return
        try:
            self.pictures += 1
            self.add("<div>", plots.inline(draw(*arguments), self.pictures), "</div>")
        except plots.Absent as why:
            self.without = str(why)
            self.add(notes([self.without]))

    def whole(self):
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
            f"<title>Latency report</title><style>{STYLE}</style></head><body>"
            f"<h1>Latency report</h1>{''.join(self.parts)}</body></html>\n"
        )


def machine(result):
    rows = [(key, value) for key, value in result["machine"].items()]
    return table(["machine", ""], rows)


def parameters(result):
    rows = [(key, json.dumps(value)) for key, value in result["parameters"].items()]
    rows += [(f"load {name}", load) for name, load in result["loads"].items()]
    return table(["parameter", ""], rows)


def doctor(result):
    found = [f for f in result["doctor"].get("findings", []) if f["verdict"] != "pass"]
    if not found:
        return ""
    rows = [(f["verdict"], f["id"], f["found"], f["remedy"]) for f in found]
    return f"<h3>What rise doctor does not pass</h3>{table(['', 'check', 'found', 'do'], rows)}"


def run(page, result):
    loads = summary.loads_of(result)
    letter, why = summary.grade_of(result, loads)
    page.add(
        f'<p class="grade {text(letter)}">grade {text(letter)}: {text("; ".join(why))}</p>',
        "<p>A percentile is the median over the rounds of each round's own, with its 95 % interval "
        "by bootstrap over rounds; the worst is that of all rounds.</p>",
        notes(result["remarks"]),
    )
    for load in loads:
        page.add(
            f"<h3>Load {text(load.name)}</h3>",
            table(summary.HEAD, summary.rows(load)),
            notes(summary.warnings(load)),
        )
        for draw in plots.KINDS.values():
            page.picture(draw, load)


def soak(page, result):
    lines = [drift.words(finding) for finding in result["findings"]]
    kinds = ["drift" if finding["drifted"] else "" for finding in result["findings"]]
    page.add(
        table(
            ["last third after warm-up held against the first"], [[line] for line in lines], kinds
        ),
        notes([result["fault"]] if result.get("fault") else []),
        notes(result["remarks"]),
    )
    samples = result["samples"]
    latencies = ("wakeup_p50_us", "wakeup_p99_us", "wakeup_max_us", "cycle_p99_us")
    page.picture(plots.soak, samples, latencies, "latency", "us")
    page.picture(plots.soak, samples, drift.MEMORY, "memory outside the region", "KiB")
    page.picture(plots.soak, samples, drift.DESCRIPTORS, "file descriptors", "")


def comparison(page, first, other):
    page.add(f"<h3>Against {text(first['path'])}</h3>")
    try:
        found = compare.Comparison(first, other)
    except compare.Refused as why:
        page.add(notes([f"not compared: {why}"]))
        return
    page.add(notes(found.warnings))
    if found.circumstances:
        page.add(table(["what else has changed", "then", "now"], found.circumstances))
    kinds = [row.verdict for row in found.rows]
    page.add(table(compare.HEAD, [row.cells() for row in found.rows], kinds))


def make(results):
    """-> (the page, why there are no pictures or "")."""
    page = Page()
    first = next((result for result in results if result["kind"] == "run"), None)
    for result in results:
        page.add(f"<h2>{text(result['kind'])} {text(result['path'])}</h2>")
        (run if result["kind"] == "run" else soak)(page, result)
        if result["kind"] == "run" and result is not first:
            comparison(page, first, result)
        page.add(doctor(result), machine(result), parameters(result))
    return page.whole(), page.without
