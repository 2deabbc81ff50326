#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What docs/generator makes of the public headers: nothing is forgotten, and words find their place.

usage: test_headers.py SOURCE-ROOT
"""

import re
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(sys.argv[1]).resolve()
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "docs" / "generator"))
import headers
import manual
import prose
import reference

SAMPLE = """/* SPDX-License-Identifier: MIT
 * eddy/sample.h - a header to test with.
 *
 * What holds for all. See eddy_open(). */
#ifndef EDDY_SAMPLE_H
#define EDDY_SAMPLE_H

#include <eddy/base.h>

typedef struct eddy_thing eddy_thing;

/* All zero is the default. */
typedef struct eddy_open_options {
    int most; /* how many; 0: no
                 limit */
    /* Before two of them. */
    double begin;
    double end;
    void (*done)(void *arg); /* told of the end */
} eddy_open_options;

/* Opens it: *out is yours. Suspends. Returns 0 or -ENOMEM. */
EDDY_API int eddy_open_sized(const eddy_open_options *options, size_t options_size,
                             eddy_thing **out);
static inline int eddy_open(const eddy_open_options *options, eddy_thing **out) {
    return eddy_open_sized(options, sizeof(eddy_open_options), out);
}

/* --- the rest. All return 0. ------------------------------------------------------------------ */

/* Two that belong together:
 *
 *     eddy_first(x);
 *
 * - one, at
 *   length;
 * - another. */
EDDY_API int eddy_first(eddy_thing *thing);
EDDY_API int eddy_first_at(eddy_thing *thing, double when); /* at a time */
#define eddy_noted(...) eddy_noted_at(EDDY_PLACE, __VA_ARGS__)
EDDY_API void eddy_noted_at(const char *place, eddy_thing *thing);

/* Both are there. */
EDDY_API int eddy_both(int x);
EDDY_API int eddy_both_at(const char *place, int x);
#define eddy_both(...) eddy_both_at(EDDY_PLACE, __VA_ARGS__)

/* --- values -----------------------------------------------------------------------------------
 *
 * They have a text of their own. */

/* A value. */
typedef enum eddy_kind { EDDY_ONE, EDDY_TWO } eddy_kind;

#endif
"""


def read_sample():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.h"
        path.write_text(SAMPLE)
        return headers.read(path, "eddy/sample.h")


class Sample(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.header = read_sample()
        cls.groups = cls.header.groups
        cls.words = prose.Prose([cls.header], links=True)

    def declared(self, name):
        return next(one for one in self.header.declarations if one.name == name)

    def test_the_head_is_a_summary_and_a_text(self):
        self.assertEqual(self.header.summary, "a header to test with.")
        self.assertEqual(self.header.text, "What holds for all. See eddy_open().")

    def test_a_comment_belongs_to_what_follows_up_to_an_empty_line(self):
        names = [[one.name for one in group.declarations] for group in self.groups]
        self.assertEqual(names, [["eddy_thing"], ["eddy_open_options"], ["eddy_open"],
                                 ["eddy_first", "eddy_first_at", "eddy_noted"], ["eddy_both"],
                                 ["eddy_kind"]])

    def test_a_wrapper_is_shown_with_the_arguments_that_a_program_gives(self):
        self.assertEqual(self.declared("eddy_open").text,
                         "int eddy_open(const eddy_open_options *options, eddy_thing **out)")
        self.assertEqual(self.declared("eddy_noted").text, "void eddy_noted(eddy_thing *thing)")

    def test_a_function_with_a_macro_of_its_name_is_shown_once(self):
        self.assertEqual([one.text for one in self.groups[4].declarations], ["int eddy_both(int x)"])

    def test_what_only_ends_like_a_wrapped_one_is_shown(self):
        self.assertEqual(self.declared("eddy_first_at").note, "at a time")

    def test_members_have_the_comment_behind_them_or_before_them(self):
        members = [(one.name, one.text) for one in self.declared("eddy_open_options").members]
        self.assertEqual(members, [("most", "how many; 0: no limit"), ("begin", "Before two of them."),
                                   ("end", "Before two of them."), ("done", "told of the end")])

    def test_a_section_has_a_title_and_words(self):
        self.assertEqual([(one.title, one.text) for one in self.header.sections],
                         [("", ""), ("the rest", "All return 0."),
                          ("values", "They have a text of their own.")])

    def test_text_lists_and_code_are_told_apart(self):
        kinds = [kind for kind, _ in prose.split(self.groups[3].text)]
        self.assertEqual(kinds, ["text", "code", "item", "item"])

    def test_names_become_links_and_codes_literals(self):
        self.assertEqual(self.words.words("eddy_open() gives *out, -ENOMEM and EDDY_ONE."),
                         ":c:func:`eddy\\_open() <eddy_open>` gives ``*out``, ``-ENOMEM`` and "
                         ":c:enumerator:`EDDY\\_ONE <eddy_kind.EDDY_ONE>`.")

    def test_a_name_that_nobody_declares_is_a_problem(self):
        words = prose.Prose([self.header], links=True)
        words.words("see eddy_nowhere(), eddy_both_at() and eddy_both()")
        self.assertEqual(words.problems, ["eddy_nowhere"])

    def test_a_manual_page_can_be_found_by_every_name_of_its_group(self):
        links = {name: others for _, _, name, _, _, others in manual.pages([self.header], self.words)}
        self.assertEqual(links["eddy_first"], [("eddy_first_at", 3), ("eddy_noted", 3)])
        self.assertEqual(links["eddy_kind"], [("EDDY_ONE", 3), ("EDDY_TWO", 3)])
        self.assertEqual(links["eddy_sample.h"], [("eddy_thing", 3)])

    def test_a_page_for_the_site_has_every_signature(self):
        page = reference.page(self.header, self.words)
        for one in self.header.declarations:
            self.assertIn(one.name if one.kind in ("struct", "enum") else one.text, page)


class PublicHeaders(unittest.TestCase):
    def test_every_exported_function_is_shown_or_wrapped_by_one_that_is(self):
        known = headers.read_all(ROOT / "include", [])
        shown = {one.name for header in known for one in header.declarations}
        text = "\n".join(path.read_text() for path in (ROOT / "include/eddy").glob("*.h"))
        exported = set(re.findall(r"^EDDY_API[^;]*?\b(eddy_\w+)\(", text, re.MULTILINE))
        self.assertGreater(len(exported), 100)
        for name in exported - shown:
            wrapper = re.sub(r"_(at|sized)$", "", name)
            self.assertTrue({wrapper, f"{wrapper}_with"} & shown, name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
