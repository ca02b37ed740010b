# SPDX-License-Identifier: GPL-3.0-or-later
"""`smsctl config explain` and `config schema` with the programs of this build, and with a kind of one's own."""

import json
import os
import shutil
import subprocess

from harness import BIN, DEADLINE, Scenario

NOT_FOUND, UNAVAILABLE = 1, 69


class Keys(Scenario):
    def setUp(self):
        super().setUp()
        self.workers = self.folder / "workers"
        self.workers.mkdir(mode=0o755)
        self.config = self.folder / "smsd.yaml"
        # The operator asks while the file has an error, too.
        self.config.write_text(f"workers_directory: {self.workers}\nretry: {{dealy: 30s}}\n")

    def own(self, kind, text=None, mode=0o755):
        program = self.workers / f"smsd-worker-{kind}"
        if text is None:
            shutil.copy(BIN / "pager", program)
        else:
            program.write_text(text)
        program.chmod(mode)

    def ctl(self, *words, status=0, config=None):
        done = subprocess.run([BIN / "smsctl", "--config", config or self.config, "config", *words], capture_output=True, text=True,
                              timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def test_a_key_of_each_file(self):
        for key, words in (("retry.delay", ("the first wait of a recipient", "100ms..1d", "default   30s", "a reload applies")),
                           ("queue.lease", ("only a restart",)),
                           ("redirects", ("of kind http", "of kind soap", "integer 0..10", "redirects: 0")),
                           ("pin_file", ("of kind gammu", "path of a file with a secret"))):
            said = self.ctl("explain", key)
            for word in words:
                self.assertIn(word, said)
        one = json.loads(self.ctl("explain", "redirects", "--kind", "soap", "--json"))
        self.assertEqual([(key["file"], key["kind"], key["key"], key["form"]) for key in one],
                         [("dispatchers/NAME.yaml", "soap", "redirects", {"type": "integer", "least": 0, "most": 10})])
        self.assertEqual(self.ctl("explain", "retry.delay", config=self.folder / "none.yaml"), self.ctl("explain", "retry.delay"))

    def test_all_keys_a_line_each(self):
        lines = self.ctl("explain").splitlines()
        self.assertEqual(lines[0], "smsd.yaml")
        self.assertEqual(len([line for line in lines if not line.startswith(" ") and line]), 8)
        everything = json.loads(self.ctl("explain", "--json"))
        self.assertEqual(len(everything), len([line for line in lines if line.startswith("  ")]))
        self.assertEqual({key["kind"] for key in everything}, {None, "groups", "gammu", "http", "soap", "mail", "command", "debug"})

    def test_what_does_not_exist(self):
        self.assertIn("did you mean retry.delay?", self.ctl("explain", "retry.dealy", status=NOT_FOUND))
        self.assertIn("did you mean http?", self.ctl("explain", "--kind", "htpp", status=NOT_FOUND))
        self.assertIn("there is no kind 'oops'", self.ctl("schema", "oops", status=NOT_FOUND))
        self.assertIn("there is no key '?[31mx'", self.ctl("explain", "\x1b[31mx", status=NOT_FOUND))

    def test_a_kind_of_ones_own(self):
        self.own("pager")
        self.assertIn("of kind pager", self.ctl("explain", "--kind", "pager"))
        self.assertIn("file", json.loads(self.ctl("schema", "pager"))["properties"])
        self.assertIn("pager", {key["kind"] for key in json.loads(self.ctl("explain", "--json"))})

    def test_a_program_that_cannot_tell(self):
        self.own("siren", "#!/bin/sh\nexit 64\n")
        self.own("flute", "#!/bin/sh\necho '[{\"key\": \"$(id)\"}]'\n")
        self.own("horn", "#!/bin/sh\nhead -c 3000000 /dev/zero\n")
        for kind in ("siren", "flute", "horn"):
            self.assertIn("does not list its keys: see its own manual", self.ctl("explain", "--kind", kind, status=UNAVAILABLE))
        self.own("drum", "#!/bin/sh\ntouch " + str(self.folder / "was-here") + "\n", mode=0o777)
        self.assertIn("can be changed by others", self.ctl("schema", "drum", status=UNAVAILABLE))
        self.assertFalse(os.path.exists(self.folder / "was-here"))
        # The keys of the others are listed all the same.
        self.assertIn("retry.delay", self.ctl("explain"))
