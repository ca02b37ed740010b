# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a real browser: it fits, can be read from three metres, has enough contrast, obeys its policy, and shows when it is old.

Writes pictures into the folder SMSD_PICTURES, if that is set. Each test is skipped if Chromium is not installed (the group `proof` of
deploy/packages).
"""
import math
import os
import pathlib
import unittest

import chromium
import png
from pages import REFRESH, Server, page, states, still

MEASURE = (pathlib.Path(__file__).parent / "measure.js").read_text()
WALLS = {"wall": (1920, 1080), "4k": (3840, 2160)}
SCREENS = {**WALLS, "telephone": (360, 800)}
MORE_SCREENS = {"laptop": (1366, 768), "portrait": (1080, 1920), "tablet": (820, 1180), "wide": (2560, 1080), "beamer": (1024, 768)}
# WCAG 2.2, level AA: 4.5 for text (1.4.3), 3 for shapes (1.4.11).
TEXT, SHAPE = 4.5, 3.0
# ISO 9241-303: capital letters have 16 minutes of arc at least. Here: at three metres, on a screen of 55 inches (1218 mm wide).
ARC, DISTANCE, SCREEN = 16, 3000, 1218
OLD = """(at => {
  for (const one of document.getAnimations()) { one.pause(); one.currentTime = at; }
  return getComputedStyle(document.querySelector('.old')).visibility;
})"""


def arc_of(capital, width):
    """Minutes of arc of a letter of so many pixels."""
    return math.degrees(2 * math.atan(capital * SCREEN / width / 2 / DISTANCE)) * 60


def keep(name, picture):
    folder = os.environ.get("SMSD_PICTURES")
    if folder:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        (pathlib.Path(folder) / f"{name}.png").write_bytes(picture)


@unittest.skipUnless(chromium.PROGRAM, "chromium is not installed: group proof of deploy/packages")
class InBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser, cls.server = chromium.Browser(), Server()
        cls.addClassCleanup(cls.server.close)
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.server.silent.clear()

    def show(self, state, screen, scheme="light"):
        """Opens the page of a state and measures it."""
        document = page(state, "connecting to /run/smsd/status/status.sock failed: connection refused") if state == "silent" else page(state)
        self.server.document = still(document)
        self.browser.screen(*{**SCREENS, **MORE_SCREENS}[screen], scheme)
        self.browser.open(self.server.address)
        return self.browser.evaluate(MEASURE)


class Layout(InBrowser):
    def fits(self, seen, scrolls):
        self.assertEqual(seen["clashes"], [])
        self.assertLessEqual(seen["wide"], seen["width"], "scrolls sideways")
        if not scrolls:
            self.assertLessEqual(seen["high"], seen["height"], "scrolls")
        for one in seen["texts"]:
            self.assertGreaterEqual(one["left"], 0, one)
            self.assertLessEqual(one["right"], seen["width"], one)
            if not scrolls:
                self.assertLessEqual(one["bottom"], seen["height"], one)

    def test_a_wall_shows_everything_without_scrolling(self):
        for screen in (*WALLS, "laptop", "wide", "beamer"):
            for state in states():
                with self.subTest(screen=screen, state=state):
                    self.fits(self.show(state, screen), scrolls=False)

    def test_a_telephone_and_a_tall_screen_scroll_in_one_direction_only(self):
        for screen in ("telephone", "portrait", "tablet"):
            for state in states():
                with self.subTest(screen=screen, state=state):
                    self.fits(self.show(state, screen), scrolls=True)

    def test_eight_dispatchers_are_all_on_the_wall_and_of_sixty_the_broken_ones(self):
        for screen in WALLS:
            texts = [one["text"] for one in self.show("full", screen)["texts"]]
            self.assertTrue(all(name in texts for name in ("gateway-of-the-first-provider", "modem-oslo", "debug")), texts)
            texts = [one["text"] for one in self.show("crowd", screen)["texts"]]
            self.assertTrue(all(name in texts for name in ("dispatcher-0", "dispatcher-41", "dispatcher-59")), texts)
            self.assertTrue(any(text.startswith("and 53 more dispatchers") or text == "53" for text in texts), texts)

    def test_the_worst_is_first(self):
        for screen in SCREENS:
            parts = self.show("gateway-dead", screen)["parts"]
            self.assertLess(parts["header"]["bottom"], parts["ol"]["top"])
            self.assertLess(parts["ol"]["top"], parts["dl"]["top"])

    def test_an_ordinary_text_is_not_cut(self):
        for screen in SCREENS:
            for state in ("healthy", "eight", "gateway-dead", "decision", "queue-away", "silent"):
                cut = [one["text"] for one in self.show(state, screen)["texts"] if one["cut"]]
                with self.subTest(screen=screen, state=state):
                    self.assertEqual(cut, ["3 because every dispatcher refused it, 1 because its text is"] if state == "decision" and cut else [])

    def test_a_command_is_whole(self):
        for screen in SCREENS:
            for one in self.show("full", screen)["texts"]:
                if one["text"].startswith("smsctl"):
                    self.assertFalse(one["cut"], one)


class Legible(InBrowser):
    def test_capital_letters_can_be_read_from_three_metres(self):
        for screen, (width, _) in WALLS.items():
            for state in states():
                seen = self.show(state, screen)["texts"]
                smallest = min(seen, key=lambda one: one["capital"])
                with self.subTest(screen=screen, state=state):
                    self.assertGreaterEqual(arc_of(smallest["capital"], width), ARC, smallest)
        verdict = max(self.show("healthy", "wall")["texts"], key=lambda one: one["capital"])
        print(f"smallest {arc_of(smallest['capital'], width):.1f}' ({smallest['size']:.1f} px of {width}), "
              f"verdict {arc_of(verdict['capital'], 1920):.1f}' ({verdict['size']:.1f} px of 1920)")

    def test_type_on_a_telephone_has_sixteen_pixels(self):
        for state in states():
            for one in self.show(state, "telephone")["texts"]:
                self.assertGreaterEqual(one["size"], 16, one)

    def test_contrast_of_all_text_and_all_shapes(self):
        least = []
        for scheme in ("light", "dark"):
            for state in states():
                for screen in ("wall", "telephone"):
                    seen = self.show(state, screen, scheme)
                    with self.subTest(scheme=scheme, state=state, screen=screen):
                        for one in seen["texts"]:
                            self.assertGreaterEqual(one["contrast"], TEXT, one)
                        self.assertGreaterEqual(min(seen["shapes"], default=21), SHAPE)
                        self.assertTrue(seen["paper"] < 0.05 if scheme == "dark" else seen["paper"] > 0.8)
                    least += [one["contrast"] for one in seen["texts"]]
        print(f"least contrast of text {min(least):.2f}")

    def test_contrast_of_an_old_page(self):
        for scheme in ("light", "dark"):
            self.show("gateway-dead", "wall", scheme)
            self.browser.evaluate(f"{OLD}(21000)")
            old = [one for one in self.browser.evaluate(MEASURE)["texts"] if "newer one" in one["text"] or one["text"] == "STALE"]
            self.assertTrue(old)
            self.assertTrue(all(one["contrast"] >= 7 for one in old), old)


class Pictures(InBrowser):
    def clip(self, *place):
        return png.pixels(self.browser.picture(place))

    def test_pictures_in_light_and_dark(self):
        for state in states():
            for screen in SCREENS:
                for scheme in ("light", "dark"):
                    seen = self.show(state, screen, scheme)
                    keep(f"{state}-{screen}-{scheme}", self.browser.picture())
                    with self.subTest(state=state, screen=screen, scheme=scheme):
                        self.check(seen, scheme)

    def check(self, seen, scheme):
        """The pixels: paper at the edges, which no text crosses, light or dark; and a heading that stands out."""
        width, height, head = seen["width"], seen["height"], seen["parts"]["header"]
        below = math.ceil(head["bottom"]) + 2
        for left in (0, width - 3):
            edge = {pixel for row in self.clip(left, below, 3, height - below) for pixel in row}
            self.assertEqual(len(edge), 1, "a text crosses the edge of the screen")
            self.assertTrue(png.luminance(edge.pop()) < 0.05 if scheme == "dark" else png.luminance(edge.pop()) > 0.8)
        self.assertGreaterEqual(png.contrast(self.clip(0, (head["top"] + head["bottom"]) // 2 - 20, min(width, 500), 40)), TEXT)

    def test_pictures_of_an_old_page(self):
        for screen in SCREENS:
            for scheme in ("light", "dark"):
                seen = self.show("gateway-dead", screen, scheme)
                self.browser.evaluate(f"{OLD}(21000)")
                keep(f"old-{screen}-{scheme}", self.browser.picture())
                red, green, blue = self.clip(2, 2, 1, 1)[0][0]
                self.assertTrue(red > 200 and green > 150 and blue < 100, "the notice is not at the top")
                below = math.ceil(seen["parts"]["header"]["bottom"]) + 40
                grey = self.clip(0, below, min(seen["width"], 400), 200)
                self.assertTrue(all(max(pixel) - min(pixel) < 12 for row in grey for pixel in row), "the rest is not grey")


class Lifetime(InBrowser):
    def test_the_page_is_fetched_again(self):
        self.server.document = page("healthy")
        self.server.paths.clear()
        while self.server.asked.acquire(blocking=False):
            pass
        self.browser.open(self.server.address)
        for _ in range(3):
            self.assertTrue(self.server.asked.acquire(timeout=30), "the browser does not fetch the page again")
        self.assertEqual(set(self.server.paths) - {"/favicon.ico"}, {"/"})

    def test_a_page_becomes_old_by_itself(self):
        self.show("healthy", "wall")
        for at, expected in ((0, "hidden"), (19_900, "hidden"), (20_100, "visible"), (10_000_000, "visible")):
            self.assertEqual(self.browser.evaluate(f"{OLD}({at})"), expected, at)

    def test_a_server_that_answers_no_more_leaves_a_page_that_is_seen_to_be_old(self):
        self.server.document = page("healthy")
        self.browser.screen(*WALLS["wall"])
        self.browser.open(self.server.address)
        self.server.silent.set()
        shown = self.browser.evaluate("""new Promise((done, failed) => {
          const notice = document.querySelector('.old');
          notice.addEventListener('animationend', () => done(getComputedStyle(notice).visibility + ' ' + notice.textContent));
          setTimeout(failed, 50000);
        })""")
        self.assertEqual(shown, "visible STALE This page shows the state of 15:04:31. No newer one has come since.")


class Policy(InBrowser):
    def test_the_page_breaks_its_policy_nowhere(self):
        for state in states():
            self.show(state, "wall")
            self.assertEqual(self.browser.violations(), [])
            self.assertNotEqual(self.browser.evaluate("getComputedStyle(document.body).display"), "block", "the style is not in force")

    def test_nothing_else_gets_past_it(self):
        planted = ("<script>document.title = 'planted'</script><style>body { display: block !important }</style>"
                   "<p style='color: red' id='planted'>x</p><img src='/fetched'><iframe src='/framed'></iframe>")
        self.server.document = still(page("healthy")).replace("<main", planted + "<main")
        self.server.paths.clear()
        self.browser.screen(*WALLS["wall"])
        self.browser.open(self.server.address)
        self.assertEqual(self.browser.evaluate("[document.title, getComputedStyle(document.body).display, document.getElementById('planted').style.color]"),
                         ["smsd: healthy", "grid", ""])
        self.assertEqual(set(self.server.paths) & {"/fetched", "/framed"}, set())
        self.assertGreaterEqual(len(self.browser.violations()), 4)

    def test_hostile_texts_stay_texts(self):
        hostile = "<script>document.title = 'planted'</script><img src=/fetched onerror=\"document.title = 'planted'\">"
        self.server.document = still(page("filled", hostile))
        self.browser.open(self.server.address)
        self.assertEqual(self.browser.evaluate("document.title"), "smsd: NOT HEALTHY")
        self.assertEqual(self.browser.violations(), [])
        self.assertIn(hostile, self.browser.evaluate("document.querySelector('.what').textContent"))


class ScreenReader(InBrowser):
    def test_the_tree_of_accessibility_has_the_verdict_the_ranks_and_the_table(self):
        self.show("gateway-dead", "wall")
        self.browser.call("Accessibility.enable")
        nodes = [one for one in self.browser.call("Accessibility.getFullAXTree")["nodes"] if not one.get("ignored")]
        named = [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in nodes]
        self.assertIn(("heading", "smsd NOT HEALTHY"), named)
        self.assertIn(("region", "Dispatchers"), named)
        self.assertEqual([name for role, name in named if role == "columnheader"], ["dispatcher", "state", "for"])
        self.assertEqual([name for role, name in named if role == "rowheader"], ["gateway", "modem1"])
        self.assertTrue(any("unhealthy:" in name for _, name in named), named)
        self.assertEqual(len([role for role, _ in named if role == "listitem"]), 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
