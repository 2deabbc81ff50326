# SPDX-License-Identifier: MIT
"""reference.py - a page of the site for each header: what it declares, group by group."""

from itertools import groupby


def directive(kind, signatures, content=(), indent=""):
    """`.. c:function::` and its like, with any number of signatures and indented content."""
    head = f".. c:{kind}:: "
    lines = [head + signatures[0], *(" " * len(head) + one for one in signatures[1:]), ""]
    lines += ["   " + line if line else "" for line in content]
    return [indent + line if line else "" for line in [*lines, ""]]


def members(one, prose):
    """The members of a struct or the values of an enum; those under one comment stand together."""
    kind = "member" if one.kind == "struct" else "enumerator"
    lines = []
    for text, together in groupby(one.members, key=lambda member: member.text or id(member)):
        together = list(together)
        about = [prose.words(together[0].text)] if together[0].text else []
        lines += directive(kind, [member.declaration for member in together], about)
    return lines


def signature(one):
    return one.name if one.kind in ("struct", "enum") else one.text


def group(one, prose):
    """What is called comes first, with the text; then the types that it is called with."""
    whole = [declaration for declaration in one.declarations if declaration.members]
    bare = [declaration for declaration in one.declarations if not declaration.members]
    text = prose.blocks(one.text)
    text += [f"- {prose.words(declaration.name)}: {prose.words(declaration.note)}"
             for declaration in bare if declaration.note]
    if not one.declarations:
        return text

    lines = []
    runs = [list(run) for _, run in groupby(bare, key=lambda declaration: declaration.kind)]
    for run in runs:
        content = text if run is runs[-1] else []
        lines += directive(run[0].kind, [signature(declaration) for declaration in run], content)
    for index, declaration in enumerate(whole):
        content = text if not bare and index == 0 else []
        lines += directive(declaration.kind, [signature(declaration)],
                           [*content, *members(declaration, prose)])
    return lines


def page(header, prose):
    title = header.name
    lines = [title, "=" * len(title), "", prose.words(header.summary[0].upper() + header.summary[1:]),
             "", ".. code-block:: c", "", f"   #include <{header.name}>", ""]
    lines += prose.blocks(header.text)
    for section in header.sections:
        if section.title:
            heading = section.title[0].upper() + section.title[1:]
            lines += [heading, "-" * len(heading), ""]
        if section.text:
            lines += [prose.words(section.text), ""]
        for one in section.groups:
            lines += group(one, prose)
    return "\n".join(lines)


def file_name(header):
    return header.name.removeprefix("eddy/").removesuffix(".h")
