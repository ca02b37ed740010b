# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as an independent HTML parser reads it (Python's html.parser)."""
import base64
import hashlib
import html.parser
import random
import re
import unittest

from pages import page, states

VOID = {"meta", "br"}
HOSTILE = [
    "<script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", "\"' onmouseover=alert(1) x='", "</p></li></ol></main><h1>healthy</h1>",
    "<!--", "-->", "]]>", "&lt;b&gt;", "&#60;b&#62;", "&amp;amp;", "<", ">", "&", "a < b > c & d \" e ' f", "<svg/onload=alert(1)>",
    "\u202egnp.\u2066", "line\nline\ttab\rcr\x0bvt\x1besc", "\ufeff\u2028\u2029", "{{7*7}}${7*7}", "é漢字🇳🇴👩‍🚒", "a" * 5000, "<" * 5000, "漢" * 3000,
    "<plaintext>", "<textarea>", "<title>", "</title>", "</html>", "javascript:alert(1)", "'", "`", "\\", "=", "<a\0b",
]


class Reader(html.parser.HTMLParser):
    """The elements of a page, in order, and the texts in it. An element that is not closed, or closed out of turn, is an error."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.texts, self.faults = [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            self.faults.append(f"left open: {self.open}")

    def handle_starttag(self, tag, attrs):
        if tag == "li":  # how many lines a finding gets depends on its length
            attrs = [(name, re.sub(r"^l[1-8]$", "lines", value)) for name, value in attrs]
        self.elements.append((tag, tuple(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, tuple(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> out of turn")

    def handle_data(self, data):
        if self.open and self.open[-1] != "style" and data.strip():
            self.texts.append((self.open[-1], data))

    def handle_comment(self, data):
        self.faults.append(f"a comment: {data[:40]}")

    def unknown_decl(self, data):
        self.faults.append(f"a declaration: {data[:40]}")

    def handle_pi(self, data):
        self.faults.append(f"an instruction: {data[:40]}")

    def named(self, tag):
        return [dict(attributes) for name, attributes in self.elements if name == tag]


class Structure(unittest.TestCase):
    def each(self):
        for state in states():
            with self.subTest(state):
                yield state, Reader(page(state, "connection refused")) if state == "silent" else Reader(page(state))

    def test_elements_are_closed_in_turn(self):
        for _, read in self.each():
            self.assertEqual(read.faults, [])

    def test_nothing_runs_and_nothing_is_fetched(self):
        for _, read in self.each():
            self.assertEqual({tag for tag, _ in read.elements} & {"script", "img", "link", "iframe", "form", "a", "object", "embed", "base"}, set())
            for tag, attributes in read.elements:
                for name, value in attributes:
                    self.assertFalse(name.startswith("on") or name in ("style", "src", "href", "action"), f"<{tag} {name}>")
                    self.assertNotIn("url(", value or "")
        self.assertNotRegex(page("healthy"), r"url\(|@import|https?://")

    def test_the_policy_allows_this_style_and_nothing_else(self):
        style = re.search(r"<style>(.*?)</style>", page("healthy"), re.S).group(1)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.assertEqual(page("--policy"), f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
                                           "frame-ancestors 'none'", "put this hash into contentSecurityPolicy")

    def test_language_title_and_refresh(self):
        for _, read in self.each():
            self.assertEqual(read.named("html"), [{"lang": "en"}])
            self.assertEqual([text for tag, text in read.texts if tag == "title"][0][:6], "smsd: ")
            metas = read.named("meta")
            self.assertIn({"http-equiv": "refresh", "content": "5"}, metas)
            self.assertIn({"charset": "utf-8"}, metas)

    def test_headings_and_sections_for_readers_of_a_screen(self):
        for state, read in self.each():
            self.assertEqual(len(read.named("h1")), 1)
            self.assertEqual(len(read.named("main")), 1)
            titles = {one["id"] for one in read.named("h2")}
            self.assertEqual({one["aria-labelledby"] for one in read.named("section")}, titles)
            ids = [dict(attributes)["id"] for _, attributes in read.elements if "id" in dict(attributes)]
            self.assertEqual(len(ids), len(set(ids)))
            self.assertTrue(all(one.get("aria-hidden") == "true" for one in read.named("svg")))
            self.assertTrue(state in ("silent", "empty") or "dispatchers" in titles)

    def test_the_table_has_headers_for_columns_and_rows(self):
        read = Reader(page("healthy"))
        scopes = [one.get("scope") for one in read.named("th")]
        self.assertEqual(scopes, ["col"] * 7 + ["row"] * 4)
        self.assertEqual(len(read.named("td")), 6 * 4)

    def test_the_time_of_the_answer(self):
        read = Reader(page("healthy"))
        self.assertEqual(read.named("time"), [{"datetime": "2026-11-27T15:04:31+01:00"}])
        self.assertIn(("time", "15:04:31"), read.texts)


def shown(text):
    """Text as the page may show it: one line, no characters that act, and cut."""
    return re.sub(r"\s+", " ", text)


class Escape(unittest.TestCase):
    """Whatever a text holds, the page has the same elements with the same attributes as with a harmless text."""

    harmless = Reader(page("filled", "x")).elements
    silent = Reader(page("silent", "x")).elements

    def hold(self, text):
        text = text.split("\0")[0]
        for words, expected in ((("filled", text), self.harmless), (("silent", text), self.silent)):
            if not text:
                continue  # an empty text has fewer elements
            document = page(*words)
            read = Reader(document)
            self.assertEqual(read.faults, [])
            self.assertEqual(read.elements, expected)
            self.assertLess(len(document.encode()), 160 * 1024)
            self.assertFalse(re.search("[\u202a-\u202e\u2066-\u2069\u0000-\u0008\u000b-\u001f]", document))

    def test_a_table_of_hostile_texts(self):
        for text in HOSTILE:
            with self.subTest(text[:40]):
                self.hold(text)

    def test_texts_made_of_hostile_parts(self):
        chance = random.Random(7)
        parts = HOSTILE[:16] + list("<>&\"'/=!- \n") + ["style", "script", "p", "x"]
        for _ in range(60):
            text = "".join(chance.choice(parts) for _ in range(chance.randrange(1, 12)))
            with self.subTest(text[:60]):
                self.hold(text)

    def test_a_text_comes_back_as_it_was(self):
        for text in ("a < b > c & d \" e ' f", "&lt;b&gt;", "<b>bold</b>", "é漢字🇳🇴", "&#60;", "it's 5 > 3 && 2 < 4"):
            texts = [data for _, data in Reader(page("filled", text)).texts]
            for where in ("code", "th", "p"):
                found = [data for tag, data in Reader(page("filled", text)).texts if tag == where]
                self.assertTrue(any(text in data for data in found), f"{where}: {texts}")

    def test_a_long_text_is_cut(self):
        for state in ("filled", "silent"):
            longest = max(len(data) for _, data in Reader(page(state, "word " * 1000)).texts)
            self.assertLessEqual(longest, 320)


if __name__ == "__main__":
    unittest.main()
