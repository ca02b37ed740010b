# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparing half of instructions-guard, without valgrind: two tables in, words and a verdict out."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import pathlib
import tempfile
import unittest

from comparison import compare, differences, table

FOLDER = pathlib.Path(__file__).resolve().parent
RECORD = json.loads((FOLDER / "instructions.json").read_text())
COUNTS = RECORD["counts"]


def guard():
    """The program itself; its name has no .py."""
    loader = importlib.machinery.SourceFileLoader("guard", str(FOLDER / "instructions-guard"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("guard", loader))
    loader.exec_module(module)
    return module


def scaled(counts, factor):
    return {name: round(count * factor) for name, count in counts.items()}


def verdicts(recorded, counted):
    return {line.name: line.verdict for line in compare(recorded, counted) if line.verdict}


class Comparison(unittest.TestCase):
    def test_the_same_counts_pass(self):
        self.assertEqual(verdicts(COUNTS, COUNTS), {})
        self.assertFalse(any(line.fails for line in compare(COUNTS, COUNTS)))

    def test_a_record_that_is_6_percent_lower_fails_in_every_line(self):
        lines = compare(scaled(COUNTS, 0.94), COUNTS)
        self.assertEqual([line.verdict for line in lines], ["grew"] * len(COUNTS))
        self.assertTrue(all(line.fails for line in lines))

    def test_4_percent_more_or_less_pass_in_silence(self):
        for factor in (0.96, 1.04):
            self.assertEqual(verdicts(COUNTS, scaled(COUNTS, factor)), {})

    def test_what_fell_is_said_and_does_not_fail(self):
        lines = compare({"format-one": 1000, "format-two": 1000}, {"format-one": 940, "format-two": 1000})
        self.assertEqual([(line.verdict, line.fails) for line in lines], [("fell", False), ("", False)])

    def test_what_is_missing_on_one_side_fails(self):
        lines = compare({"old": 17, "both": 5}, {"both": 5, "new": 17})
        self.assertEqual([(line.name, line.verdict, line.fails) for line in lines],
                         [("both", "", False), ("new", "not recorded", True), ("old", "not counted", True)])

    def test_a_count_of_nothing_is_no_count(self):
        self.assertEqual(verdicts({"format-one": 1000}, {"format-one": 0}), {"format-one": "not counted"})

    def test_the_table_says_which_and_by_how_much(self):
        rows = table(compare({"format-one": 1000, "worker": 2000}, {"format-one": 1070, "worker": 2010})).splitlines()
        self.assertEqual(rows[1].split(), ["format-one", "1,000", "1,070", "+7.0%", "grew"])
        self.assertEqual(rows[2].split(), ["worker", "2,000", "2,010", "+0.5%"])

    def test_differences_are_named(self):
        self.assertEqual(differences({"compiler": "g++ 12.2.0", "build": "x"}, {"compiler": "g++ 14.2.0", "build": "x"}),
                         ["compiler: g++ 12.2.0 was recorded, here it is g++ 14.2.0"])


class Judgement(unittest.TestCase):
    """What the program makes of it: its words and its exit status."""

    def judge(self, counted, environment=None, recorded=RECORD):
        said = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(said):
            status = guard().judge(recorded, {**recorded, "environment": environment or recorded["environment"], "counts": counted},
                                   pathlib.Path(folder))
        return status, said.getvalue()

    def test_growth_fails_and_says_where_to_look_and_how_to_record(self):
        status, said = self.judge({**COUNTS, "format-one": round(COUNTS["format-one"] * 1.06)})
        self.assertEqual(status, 1)
        self.assertIn("format-one grew by 6.0%", said)
        self.assertRegex(said, r"callgrind_annotate \S*/format-one\.callgrind")
        self.assertIn("--record", said)

    def test_a_gain_passes_and_asks_to_be_recorded(self):
        status, said = self.judge({**COUNTS, "format-one": round(COUNTS["format-one"] * 0.9)})
        self.assertEqual(status, 0)
        self.assertIn("format-one fell by 10.0%", said)
        self.assertIn("--record", said)

    def test_the_same_passes_without_advice(self):
        status, said = self.judge(COUNTS)
        self.assertEqual(status, 0)
        self.assertNotIn("--record", said)

    def test_another_compiler_is_only_printed(self):
        elsewhere = {**RECORD["environment"], "compiler": "g++ 14.2.0"}
        status, said = self.judge(scaled(COUNTS, 1.5), environment=elsewhere)
        self.assertEqual(status, 0)
        self.assertIn("not judged", said)
        self.assertIn("here it is g++ 14.2.0", said)

    def test_another_library_is_named_where_something_grew(self):
        older = {**RECORD, "libraries": {**RECORD["libraries"], "sqlite": "3.0.0"}}
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = guard().judge(older, {**RECORD, "counts": scaled(COUNTS, 1.06)}, pathlib.Path("build"))
        self.assertEqual(status, 1)
        self.assertIn("sqlite: 3.0.0 was recorded", said.getvalue())


if __name__ == "__main__":
    unittest.main()
