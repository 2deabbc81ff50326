# SPDX-License-Identifier: MIT
"""headers.py - the public headers as data: comments, and the declarations that belong to them.

The headers are the manual, so their layout is their grammar, and clang-format keeps it:

- the first comment is about the file; "/* --- name --- */" begins a section;
- a comment belongs to the declarations after it, up to the next empty line or comment: together
  they are a Group, which becomes one entry of the site and one manual page;
- a comment behind a member, on the same line, belongs to it; one before it, to it and the next ones.

What a macro or an inline function only wraps (..._at, ..._sized) is not shown: the wrapper is, with
the arguments that a program gives.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

# What the wrappers fill in.
HIDDEN_PARAMETERS = {"origin", "place", "file", "line", "function", "options_size", "out_size"}
NOT_FOR_PROGRAMS = re.compile(r"EDDY_(\w+_)?H|EDDY_API|EDDY_PRINTF|EDDY_STRING(_OF)?")

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
NOTE = re.compile(r" */\*(?:(?!\*/|---).)*\*/", re.DOTALL)
SECTION = re.compile(r"--- (.*?) *(?:-{3,})?(?:\n\n(.*))?$", re.DOTALL)


@dataclass
class Member:
    declaration: str
    text: str = ""

    @property
    def name(self):
        plain = re.sub(r"\s*=.*|\[.*", "", self.declaration)
        pointed = re.search(r"\(\*(\w+)\)", plain)
        return pointed[1] if pointed else re.findall(r"\w+", plain)[-1]


@dataclass
class Declaration:
    kind: str  # function, macro, type, struct, enum
    name: str
    text: str  # as it is shown, on one line
    members: list = field(default_factory=list)
    note: str = ""  # the comment behind it
    source: str = ""  # as it stands in the header, for structs and enums


@dataclass
class Group:
    text: str  # the comment; "" if there is none
    declarations: list


@dataclass
class Section:
    title: str  # "" for what stands before the first heading
    text: str
    groups: list = field(default_factory=list)


@dataclass
class Header:
    name: str  # "eddy/future.h"
    summary: str
    text: str
    sections: list
    wrapped: set  # functions that are there for others to call

    @property
    def groups(self):
        return [group for section in self.sections for group in section.groups]

    @property
    def declarations(self):
        return [one for group in self.groups for one in group.declarations]


# --- comments


def comment_text(comment):
    """The text of a comment, its lines without stars; indented code stays indented."""
    body = comment.strip()[2:-2]
    lines = [re.sub(r"^ *\*(?: |$)", "", line).rstrip() for line in body.split("\n")]
    lines = [lines[0].strip(), *lines[1:]]
    return "\n".join(lines).strip("\n ")


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


# --- the pieces of a header, in order: ("comment", text), ("code", text), ("empty", "")


def prepared(text):
    """Without what only compilers need."""
    text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif\n", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^#(?:include|ifndef|endif|if|ifdef|else)\b.*\n", "", text, flags=re.MULTILINE)
    return text.replace("\\\n", " ")


def statement_end(text, start):
    """Where the declaration that begins at `start` ends: behind its ';', or a body's '}'."""
    depth = 0
    position = start
    while position < len(text):
        comment = COMMENT.match(text, position)
        if comment:
            position = comment.end()
            continue
        letter = text[position]
        depth += letter in "({"
        depth -= letter in ")}"
        if depth == 0 and letter == ";":
            return position + 1
        if depth == 0 and letter == "}" and text[start:position].startswith("static inline"):
            return position + 1
        position += 1
    raise ValueError(f"a declaration without end: {text[start:start + 60]}")


def pieces(text):
    position = 0
    while position < len(text):
        if text.startswith("\n", position):
            yield "empty", ""
            position += 1
            continue
        comment = COMMENT.match(text, position)
        if comment:
            yield "comment", comment[0]
            position = comment.end() + 1
            continue
        if text.startswith("#define", position):
            end = text.index("\n", position)
        else:
            end = statement_end(text, position)
        code, position = text[position:end], end
        note = NOTE.match(text, position)
        if note:
            position = note.end()
        yield "code", (code, comment_text(note[0]) if note else "")
        position += text.startswith("\n", position)


# --- declarations


def parameters(text):
    """The pieces of a parameter list, split at commas that are not in parentheses."""
    parts, depth, begin = [], 0, 0
    for position, letter in enumerate(text):
        depth += letter in "("
        depth -= letter in ")"
        if letter == "," and depth == 0:
            parts.append(text[begin:position].strip())
            begin = position + 1
    return [*parts, text[begin:].strip()]


def signature(code, name=None):
    """A prototype on one line, with the arguments that a program gives."""
    code = squeezed(COMMENT.sub("", code))
    code = re.sub(r"^(?:EDDY_API|static inline) ", "", code)
    code = re.sub(r"\s*EDDY_PRINTF\(\d+, \d+\)|\s*\{.*\}$|;$", "", code).strip()
    before, own, inside = re.match(r"(.*?)(\w+)\((.*)\)$", code).groups()
    given = [one for one in parameters(inside)
             if re.findall(r"\w+", one)[-1:] == [] or
             re.findall(r"\w+", one)[-1] not in HIDDEN_PARAMETERS]
    return f"{before}{name or own}({', '.join(given)})"


def function_name(code):
    found = re.search(r"\b(eddy_\w+)\(", code)
    return found and found[1]


def members_of(body, separator):
    """Members with the comments behind them, or before them."""
    members, before, position = [], "", 0
    text = ""

    def finish():
        nonlocal text
        if text.strip():
            members.append(Member(squeezed(text), before))
        text = ""

    while position < len(body):
        comment = COMMENT.match(body, position)
        if comment and text.strip():  # a last enumerator, without a comma
            finish()
        if comment:
            words = squeezed(comment_text(comment[0]))
            is_behind = body[:position].rpartition("\n")[2].strip() != ""
            if is_behind:
                members[-1].text = words
                before = ""
            else:
                before = words
            position = comment.end()
            continue
        if body[position] == separator:
            finish()
        else:
            text += body[position]
        position += 1
    finish()
    return members


def compound(kind, code):
    name = re.search(r"\}\s*(\w+)\s*;$", code)
    name = name[1] if name else re.match(r"(?:typedef )?\w+ (\w+)", code)[1]
    body = code[code.index("{") + 1:code.rindex("}")]
    body = re.sub(r"\bunion \{(.*?)\n {4}\};", r"\1", body, flags=re.DOTALL)  # one without a name
    members = members_of(body, ";" if kind == "struct" else ",")
    shown = [one for one in members if not one.name.startswith("reserved")]
    return Declaration(kind, name, f"{kind} {name}", shown, source=code)


def declaration(code, known):
    """What a piece of code declares, or None if a program has no use for it."""
    macro = re.match(r"#define (\w+)(\([^)]*\))?\s*(.*)", code)
    if macro:
        name, arguments, value = macro.groups()
        if NOT_FOR_PROGRAMS.fullmatch(name):
            return None
        prototype = known.prototypes.get(f"{name}_at")
        if prototype:
            return Declaration("function", name, signature(prototype, name))
        prototype = known.prototypes.get(value.split("(")[0].strip())
        if prototype:  # a call with other arguments: shown as one that returns the same
            returned = signature(prototype).split(value.split("(")[0].strip())[0]
            return Declaration("function", name, f"{returned}{name}{arguments}")
        return Declaration("macro", name, name + (arguments or ""))
    kind = re.match(r"(?:typedef )?(struct|enum) \w+ \{", code)
    if kind:
        return compound(kind[1], code)
    if code.startswith("typedef"):
        text = squeezed(code[len("typedef"):-1])
        opaque = re.fullmatch(r"struct (\w+) \1", text)
        if opaque:
            return Declaration("struct", opaque[1], f"struct {opaque[1]}")
        name = function_name(text) or re.findall(r"\w+", text)[-1]
        return Declaration("type", name, text)
    name = function_name(code)
    if name is None or name in known.wrapped:
        return None
    return Declaration("function", name, signature(code))


@dataclass
class Known:
    """Prototypes by name, and those that only a macro or an inline function calls."""
    prototypes: dict
    wrapped: set


def known_functions(text):
    codes = re.findall(r"^EDDY_API [^;{]*", text, re.MULTILINE)
    prototypes = {function_name(code): code for code in codes}
    inside = re.findall(r"^#define eddy_[^\n]*|^static inline .*?^\}", text, re.MULTILINE | re.DOTALL)
    wrapped = {name for name in prototypes if name and name.endswith(("_at", "_sized"))
               and any(f"{name}(" in body.split(")", 1)[1] for body in inside)}
    return Known(prototypes, wrapped)


# --- a whole header


def read(path, name):
    text = prepared(path.read_text())
    known = known_functions(text)
    stream = list(pieces(text))
    head = comment_text(stream[0][1]).split("\n")
    assert head[0].startswith("SPDX"), f"{name}: begins without a head"
    whole = "\n".join(head[1:])
    summary, _, rest = whole.partition("\n\n")
    summary = squeezed(summary).split(" - ", 1)[1]

    sections, seen = [Section("", "")], set()
    group = Group("", [])

    def finish():
        nonlocal group
        if group.declarations or group.text:
            sections[-1].groups.append(group)
        group = Group("", [])

    for kind, piece in stream[1:]:
        if kind == "empty":
            finish()
        elif kind == "comment":
            finish()
            found = SECTION.match(comment_text(piece))
            if found:
                title, _, about = squeezed(found[1]).partition(". ")
                sections.append(Section(title, about or found[2] or ""))
            else:
                group.text = comment_text(piece)
        else:
            code, note = piece
            one = declaration(code, known)
            if one and one.name not in seen:  # a macro may stand before the function it calls
                seen.add(one.name)
                one.note = note or one.note
                group.declarations.append(one)
    finish()
    for section in sections:
        section.groups = [one for one in section.groups if one.declarations or one.text]
    kept = [one for one in sections if one.groups or one.text]
    return Header(name, summary, rest.strip("\n"), kept, known.wrapped)


def read_all(include, order):
    """All headers, the ones named in `order` first."""
    names = sorted(str(path.relative_to(include)) for path in (include / "eddy").rglob("*.h"))
    place = {name: index for index, name in enumerate(order)}
    names.sort(key=lambda name: place.get(name, len(place)))
    return [read(Path(include) / name, name) for name in names]
