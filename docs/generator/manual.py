# SPDX-License-Identifier: MIT
"""manual.py - manual pages: one for each group of declarations, one for each header."""

from prose import first_sentence


def heading(title):
    return [title, "-" * len(title), ""]


def names(group):
    """All that somebody may look up: what is declared, and the values of its enums."""
    found = [one.name for one in group.declarations]
    for one in group.declarations:
        found += [member.name for member in one.members if one.kind == "enum"]
    return found


def main_name(group):
    """What its page is called: the first thing that is called, else the first of all."""
    called = [one.name for one in group.declarations if one.kind == "function"]
    return (called or [one.name for one in group.declarations])[0]


def header_name(header):
    return header.name.replace("/", "_")


def is_bare(group):
    """Only the name of a type: its page is the header's."""
    return not group.text and all(one.kind == "struct" and not one.members and not one.source
                                  for one in group.declarations)


def about(group):
    """A line for the list of pages."""
    sentence = first_sentence(group.text) or f"see {group.declarations[0].name}"
    if sentence.startswith("All zero is"):
        return "options; all zero is the default"
    return sentence if sentence[1:2].isupper() or sentence[:1] == '"' else \
        sentence[:1].lower() + sentence[1:]


def prototype(one):
    if one.source and not one.members:
        return [f"typedef {one.text} {{ ... }} {one.name};"]
    if one.source:
        end = ";" if one.kind == "struct" else ","
        inside = [f"    {member.declaration}{end}" for member in one.members]
        if one.source.startswith("typedef"):
            return [f"typedef {one.text} {{", *inside, f"}} {one.name};"]
        return [f"{one.text} {{", *inside, "};"]
    if one.kind == "macro":
        return [f"#define {one.text}"]
    if one.kind == "type":
        return [f"typedef {one.text};"]
    if one.kind in ("struct", "enum"):
        return [f"typedef {one.text} {one.name};"]
    return wrapped(one.text + ";")


def wrapped(text, columns=72):
    """A prototype over several lines, broken behind commas."""
    lines = []
    indent = text.index("(") + 1 if text.index("(") < 36 else 8
    while len(text) > columns and ", " in text[:columns]:
        cut = text.rindex(", ", 0, columns) + 1
        lines.append(text[:cut])
        text = " " * indent + text[cut + 1:]
    return [*lines, text]


def members(one, prose):
    """What the members are for, as a list."""
    lines = []
    for member in one.members:
        if member.text:
            lines += [f"**{prose_name(member)}**", "   " + prose.words(member.text), ""]
    return lines


def prose_name(member):
    return member.name.replace("_", "\\_")


def see_also(header, section, group):
    near = [main_name(one) for one in section.groups if one.declarations and not is_bare(one)]
    place = near.index(main_name(group))
    near = [name for name in near[max(0, place - 4):place + 5] if name != main_name(group)]
    pages = [f"{name}(3)" for name in near] + [f"{header_name(header)}(7)", "eddy(7)"]
    return ", ".join(f"**{page.split('(')[0]}**\\ ({page.split('(')[1]}" for page in pages)


def group_page(header, section, group, prose):
    title = main_name(group)
    code = [line for one in group.declarations for line in prototype(one)]
    lines = [title, "=" * len(title), "", *heading("Synopsis"), ".. code-block:: c", "   :force:", "",
             f"   #include <{header.name}>", "", *("   " + line for line in code), ""]
    lines += heading("Description")
    lines += prose.blocks(group.text) or [f"See **{header_name(header)}**\\ (7).", ""]
    lines += [f"- {prose.words(one.name)}: {prose.words(one.note)}" for one in group.declarations
              if one.note]
    lines.append("")
    for one in group.declarations:
        lines += members(one, prose)
    if section.text:
        lines += [prose.words(section.text[0].upper() + section.text[1:]), ""]
    if header.text and not header.text.startswith("    "):
        lines += heading("Notes")
        lines += prose.blocks(header.text)
    lines += [*heading("See also"), see_also(header, section, group), ""]
    return "\n".join(lines)


def header_page(header, prose):
    title = header_name(header)
    lines = [title, "=" * len(title), "", *heading("Synopsis"), ".. code-block:: c", "",
             f"   #include <{header.name}>", "", *heading("Description")]
    lines += prose.blocks(header.text) or [prose.words(header.summary), ""]
    for section in header.sections:
        title = section.title or "Contents"
        lines += heading(title[0].upper() + title[1:])
        if section.text:
            lines += [prose.words(section.text), ""]
        for group in section.groups:
            if is_bare(group):
                continue
            if group.declarations:
                called = [one.name for one in group.declarations]
                lines += [", ".join(f"**{name}**" for name in called),
                          "   " + prose.words(about(group)) + ".", ""]
            else:
                lines += prose.blocks(group.text)
    lines += [*heading("See also"), "**eddy**\\ (7)", ""]
    return "\n".join(lines)


def pages(headers, prose):
    """(file, text, name, section, description, [(further name, section)]) for each page."""
    for header in headers:
        bare = [(name, 3) for group in header.groups if is_bare(group) for name in names(group)]
        yield (f"{header_name(header)}.rst", header_page(header, prose), header_name(header), 7,
               header.summary.rstrip("."), bare)
        for section in header.sections:
            for group in section.groups:
                if group.declarations and not is_bare(group):
                    name = main_name(group)
                    others = [(one, 3) for one in names(group) if one != name]
                    yield (f"{name}.rst", group_page(header, section, group, prose), name, 3,
                           about(group), others)
