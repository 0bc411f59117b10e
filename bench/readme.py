"""The table of results in README.md: made of bench/results.json and of nothing else."""
import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent
RESULTS = FOLDER / "results.json"
README = FOLDER / "README.md"
BEGIN = "<!-- results: written by make bench-readme -->"
END = "<!-- end of results -->"


def shown(value):
    if isinstance(value, str):
        return value
    text = f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cell(value):
    return str(value).replace("|", "/").replace("\n", " ")


def table(results):
    """Lines of Markdown: on which machine and when, then a row for each figure."""
    m = results["machine"]
    virtual = ", virtual" if m["hypervisor"] else ""
    length = "long" if results["full"] else "short"
    lines = [
        f"{m['utc']}, {length} runs: {cell(m['cpu'])}, {m['cores']} cores{virtual}; Linux "
        f"{cell(m['kernel'])} ({m['preemption']}), {cell(m['distribution'])}; clock "
        f"{m['clocksource']}, governor {m['governor'] or 'unknown'}, "
        f"isolated cores {m['isolated'] or 'none'}; revision {m['revision']}.",
        "",
        "| bench | figure | value | goal | |",
        "|---|---|---|---|---|",
    ]
    before = ""
    for figure in results["figures"]:
        bench = figure["bench"] if figure["bench"] != before else ""
        before = figure["bench"]
        value = f"{shown(figure['value'])} {figure.get('unit', '')}".strip()
        met = "" if "met" not in figure else "met" if figure["met"] else "not met"
        cells = (bench, figure["name"], value, figure.get("goal", ""), met)
        lines.append("| " + " | ".join(cell(c) for c in cells) + " |")
    return lines


def between(text):
    """What README.md has there now, as lines."""
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return text[begin:end].strip().splitlines()


def with_table(text, lines):
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return text[:begin] + "\n" + "".join(line + "\n" for line in lines) + text[end:]


def kept():
    """The results that are kept, or None."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else None


# What tells one machine from others of its kind, and how it is run: nobody else's business.
PRIVATE = ("machine", "product", "bios", "command_line")


def keep(results):
    """Writes both. -> their paths"""
    machine = {key: value for key, value in results["machine"].items() if key not in PRIVATE}
    RESULTS.write_text(json.dumps({**results, "machine": machine}, indent=1) + "\n")
    README.write_text(with_table(README.read_text(), table(kept())))
    return RESULTS, README
