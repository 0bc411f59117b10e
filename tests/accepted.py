"""Costs beside those that were accepted, which are kept in a file: what costs more than it may."""
import pathlib

TOLERANCE = 0.05


class Accepted:
    """A table {(label, what): figure} in a file, with what it depends on besides our sources.

    room(what, figure): how much more it may cost. At 5 % for all there is no other one needed.
    work: names of figures that tell how much was done; of these less is wrong.
    """

    def __init__(self, file, head, room=None, work=()):
        self.file = pathlib.Path(file)
        self.head = head
        self.room = room or (lambda what, figure: figure * TOLERANCE)
        self.work = work

    def read(self):
        """-> (circumstances, table)"""
        if not self.file.exists():
            return "", {}
        lines = self.file.read_text().splitlines()
        of = next(line.removeprefix("# of: ") for line in lines if line.startswith("# of: "))
        rows = [line.split() for line in lines if line and not line.startswith("#")]
        return of, {(label, what): float(figure) for label, what, figure in rows}

    def write(self, of, now):
        text = "".join(f"# {line}\n" for line in [*self.head, f"of: {of}"])
        for (label, what), figure in now.items():
            text += f"{label:<12} {what:<12} {figure:12.1f}\n"
        self.file.write_text(text)

    def excess(self, known, now):
        """What costs more than it may: lines that name label, what, and both figures."""
        wrong = []
        for (label, what), before in known.items():
            if (label, what) not in now:
                wrong.append(f"{label}: {what} was not measured")
                continue
            after = now[label, what]
            if what in self.work:
                if after < before * (1 - TOLERANCE):
                    wrong.append(f"{label}: {before:.0f} {what} -> {after:.0f}: less work was done")
            elif after > before + self.room(what, before):
                percent = f"{(after / before - 1) * 100:+.1f} %" if before > 0 else "from nothing"
                wrong.append(
                    f"{label}: {what} {before:.0f} -> {after:.0f} instructions ({percent})"
                )
        return wrong


def show(known, now):
    """A table of all that was measured beside what is accepted."""
    lines = []
    for (label, what), after in now.items():
        before = known.get((label, what))
        change = f"{(after / before - 1) * 100:+7.1f} %" if before else ""
        lines.append(f"{label:<12} {what:<12} {after:12.1f} {change}".rstrip())
    return "\n".join(lines)


def judge(ledger, of, now, accept):
    """What the programs that measure have in common: prints, accepts or compares. -> exit code"""
    was, known = ledger.read()
    print(show(known, now))
    if accept:
        ledger.write(of, now)
        return 0
    if was != of:
        print(f"the accepted figures are of {was or 'nothing'}; these are of {of}")
        return 1
    wrong = ledger.excess(known, now)
    print("\n".join(wrong))
    return 1 if wrong else 0
