#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The site and the manual pages that tools/docs makes. Skipped without Sphinx: tools/setup docs.

usage: test_site.py SOURCE-ROOT
A warning of the generator is an error: a link that leads nowhere, a signature that is no C.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(sys.argv[1]).resolve()


class Links(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page.read_text())

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value and not re.match(r"[a-z]+:|#", value):
                self.found.append(re.sub(r"[#?].*", "", value))


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="eddy-site-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        cls.made = subprocess.run([ROOT / "tools" / "docs", cls.folder], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        if cls.made.returncode == 77:
            print(cls.made.stdout, end="")
            sys.exit(77)
        cls.html, cls.man = cls.folder / "html", cls.folder / "man"

    def manual(self, name):
        return (self.man / name).read_text()

    def test_the_generator_has_nothing_to_complain_of(self):
        self.assertEqual((self.made.returncode, self.made.stdout), (0, ""))

    def test_every_header_has_a_page(self):
        for header in (ROOT / "include" / "eddy").glob("*.h"):
            self.assertTrue((self.html / "reference" / f"{header.stem}.html").exists(), header)

    def test_every_page_of_docs_is_on_the_site_and_in_its_tree(self):
        index = Links(self.html / "index.html").found
        for page in (ROOT / "docs").rglob("*.md"):
            name = str(page.relative_to(ROOT / "docs").with_suffix(".html"))
            if name not in ("index.html", "manual.html"):
                self.assertIn(name, index)

    def test_no_link_of_the_site_leads_nowhere(self):
        for page in self.html.rglob("*.html"):
            for link in Links(page).found:
                self.assertTrue((page.parent / link).exists(), f"{page.relative_to(self.html)}: {link}")

    def test_a_call_has_a_manual_page_with_its_header_and_prototype(self):
        text = self.manual("man3/eddy_cancel.3")
        for words in ("eddy_cancel, eddy_cancel_with \\-", "#include <eddy/future.h>",
                      "bool eddy_cancel_with(eddy_future *future, const char *reason);"):
            self.assertIn(words, text)

    def test_further_names_lead_to_the_page(self):
        self.assertEqual(self.manual("man3/eddy_cancel_with.3"), ".so man3/eddy_cancel.3\n")
        self.assertEqual(self.manual("man3/EDDY_ECLOSED.3"), ".so man3/eddy_error_code.3\n")

    def test_every_page_says_what_it_is_in_a_line(self):
        for page in self.man.rglob("*.?"):
            text = page.read_text()
            if not text.startswith(".so "):
                self.assertRegex(text, r"\.SH NAME\n.+ \\- .+\n", page.name)

    def test_what_a_link_leads_to_is_there(self):
        for page in self.man.rglob("*.?"):
            found = re.match(r"\.so (.*)\n", page.read_text())
            if found:
                self.assertTrue((self.man / found[1]).exists(), page.name)

    def test_the_overview_names_all_headers(self):
        text = self.manual("man7/eddy.7")
        for header in (ROOT / "include" / "eddy").glob("*.h"):
            self.assertIn(f"eddy_{header.stem}.h", text.replace("\\-", "-"))

    def test_man_can_read_them(self):
        if not shutil.which("man"):
            self.skipTest("man is not installed")
        shown = subprocess.run(["man", "--warnings", "-l", self.man / "man3" / "eddy_gather.3"],
                               env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
                               capture_output=True, text=True)
        self.assertEqual(shown.stderr, "")
        self.assertIn("int eddy_gather(...);", shown.stdout)

    def test_install_puts_them_where_man_looks(self):
        goal = self.folder / "installed"
        subprocess.run([ROOT / "tools" / "install-manual", "share/man", self.man], check=True,
                       env={**os.environ, "MESON_INSTALL_DESTDIR_PREFIX": str(goal)})
        self.assertTrue((goal / "share/man/man3/eddy_gather.3").exists())
        self.assertTrue((goal / "share/man/man7/eddy.7").exists())

    def test_install_does_without_them(self):
        done = subprocess.run([ROOT / "tools" / "install-manual", "share/man"], check=True,
                              env={**os.environ, "MESON_BUILD_ROOT": str(self.folder / "nowhere"),
                                   "MESON_INSTALL_DESTDIR_PREFIX": str(self.folder / "none")})
        self.assertEqual(done.returncode, 0)
        self.assertFalse((self.folder / "none").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
