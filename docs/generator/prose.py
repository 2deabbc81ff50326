# SPDX-License-Identifier: MIT
"""prose.py - the comments of the headers in reStructuredText: names become links, code stays code.

A name that begins with eddy_ or EDDY_ and is declared nowhere is an error.
"""

import re

TOKEN = re.compile(r"""
    `(?P<code>[^`]+)`
  | (?P<setting>\bEDDY_[A-Z_]+=\w+)
  | \b(?P<name>(?:eddy|EDDY)_\w*\w)(?P<member>\.\w+)?(?P<call>\((?:[^()]|\([^()]*\))*\))?
  | (?P<literal>
        EDDY_\.\.\.\w*
      | -E[A-Z]+\b
      | \b(?:NULL|INFINITY|SIG[A-Z_]+|SO_[A-Z_]+|MADV_[A-Z_]+)\b
      | \*+[a-z]\w*
      | \b[a-z_]\w*\((?:[^()]|\([^()]*\))*\)
      | \b[a-z_]\w*\[\]
    )
""", re.VERBOSE)

ROLES = {"function": "func", "macro": "macro", "type": "type", "struct": "struct", "enum": "enum",
         "enumerator": "enumerator"}


class Prose:
    """Knows all names; `problems` are the ones that it was asked for and that nobody declares."""

    def __init__(self, headers, links, environment=()):
        self.kinds = {}
        self.members = set()
        self.owners = {}  # the enum of an enumerator
        self.links = links  # False in manual pages
        self.problems = []
        self.plain = set(environment).union(*(header.wrapped for header in headers))
        for one in (one for header in headers for one in header.declarations):
            self.kinds[one.name] = one.kind
            for member in one.members:
                if one.kind == "enum":
                    self.kinds[member.name] = "enumerator"
                    self.owners[member.name] = one.name
                else:
                    self.members.add(f"{one.name}.{member.name}")

    # --- words

    def reference(self, found):
        name, member, call = found["name"], found["member"] or "", found["call"] or ""
        if name in self.plain and name not in self.kinds:
            return literal(name + member + call)
        if name not in self.kinds:
            self.problems.append(name)
            return literal(name + member + call)
        if member and name + member in self.members:
            role, target = "member", name + member
        elif member:
            return self.link(ROLES[self.kinds[name]], name, name) + escaped(member)
        else:
            role, target = ROLES[self.kinds[name]], name
        return self.link(role, target, target + call)

    def link(self, role, target, shown):
        if not self.links:
            return f"**{escaped(shown)}**"
        return f":c:{role}:`{escaped(shown)} <{self.target(target)}>`"

    def target(self, name):
        return f"{self.owners[name]}.{name}" if name in self.owners else name

    def token(self, found):
        if found["name"]:
            return self.reference(found)
        return literal(found["code"] or found["setting"] or found["literal"])

    def words(self, text):
        """A piece of running text."""
        parts, position = [], 0
        for found in TOKEN.finditer(text):
            parts.append(escaped(text[position:found.start()]))
            after = text[found.end():found.end() + 1]
            before = text[found.start() - 1:found.start()] if found.start() else ""
            glue = "\\ " if before and (before.isalnum() or before in ")=/") else ""
            parts.append(glue + self.token(found) + ("\\ " if after.isalnum() or after == "(" else ""))
            position = found.end()
        return "".join(parts) + escaped(text[position:])

    # --- blocks

    def blocks(self, text):
        """Paragraphs, lists and code, as lines."""
        lines = []
        for kind, block in split(text):
            if kind == "code":
                lines += [".. code-block:: c", "   :force:", "", *("   " + line for line in block)]
            elif kind == "item":
                lines.append("- " + self.words(" ".join(block)))
            else:
                lines.append(self.words(" ".join(block)))
            lines.append("")
        return lines


def split(text):
    """("text" | "item" | "code", lines) for each block."""
    kind, block = "text", []
    for line in [*text.split("\n"), ""]:
        is_code = line.startswith("    ") and (kind == "code" or not block)
        if kind == "code" and (is_code or not line):
            block.append(line[4:])
            continue
        starts = "code" if is_code else "item" if line.startswith("- ") else None
        if not line or starts or kind == "code":
            if any(block):
                yield kind, without_end(block)
            kind, block = starts or "text", []
        if line:
            block.append(line[4:] if is_code else line.removeprefix("- ").strip())
    if any(block):
        yield kind, without_end(block)


def without_end(block):
    while block and not block[-1]:
        block = block[:-1]
    return block


def escaped(text):
    return re.sub(r"([\\*`|_<>])", r"\\\1", text)


def literal(text):
    return f"``{text}``"


def first_sentence(text, columns=90):
    """For a list: the comment up to its first full stop, or colon if that is far, without marks."""
    words = " ".join(line for kind, block in split(text) if kind == "text" for line in block)
    words = words.replace("`", "")
    for stops in (".;", ".;:"):
        depth = 0
        for position, letter in enumerate(words):
            depth += (letter == "(") - (letter == ")")
            ends = words[position + 1:position + 2] in ("", " ") and words[:position][-1:] != "."
            if depth == 0 and letter in stops and ends:
                if position <= columns:
                    return words[:position]
                break
    return words[:columns].rpartition(" ")[0] + " ..."  if len(words) > columns else words
