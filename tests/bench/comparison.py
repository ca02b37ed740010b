# SPDX-License-Identifier: GPL-3.0-or-later
"""Instruction counts beside those that are recorded: what grew, what fell, what is missing on either side. Knows nothing of how they
were taken."""

import dataclasses

TOLERANCE = 0.05


@dataclasses.dataclass(frozen=True)
class Line:
    """One count. None: it is not recorded, or was not taken."""

    name: str
    recorded: int | None
    counted: int | None

    @property
    def change(self):
        """0.06: six per cent more than recorded; None where one of the two is missing."""
        return self.counted / self.recorded - 1 if self.recorded and self.counted else None

    @property
    def verdict(self):
        if self.recorded is None:
            return "not recorded"
        if not self.counted:
            return "not counted"
        if self.change > TOLERANCE:
            return "grew"
        return "fell" if self.change < -TOLERANCE else ""

    @property
    def fails(self):
        return self.verdict not in ("", "fell")


def compare(recorded, counted):
    """A line for each name of the two tables {name: instructions}, those that were counted first."""
    names = [*counted, *(name for name in recorded if name not in counted)]
    return [Line(name, recorded.get(name), counted.get(name)) for name in names]


def table(lines):
    """For a reader: a line each."""
    def number(value):
        return "-" if value is None else f"{value:,}"

    rows = [("instructions for one", "recorded", "counted", "change", "")]
    rows += [(line.name, number(line.recorded), number(line.counted), "" if line.change is None else f"{line.change:+.1%}", line.verdict)
             for line in lines]
    return "\n".join(f"{name:<34}{recorded:>12}{counted:>12}{change:>9}  {verdict}".rstrip() for name, recorded, counted, change, verdict in rows)


def differences(recorded, now):
    """What of {name: value} is another than recorded, in words."""
    return [f"{name}: {recorded.get(name, 'nothing')} was recorded, here it is {now.get(name, 'nothing')}"
            for name in sorted(recorded.keys() | now.keys()) if recorded.get(name) != now.get(name)]
