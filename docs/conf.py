# SPDX-License-Identifier: MIT
"""conf.py - how Sphinx makes the site and the manual pages; tools/docs lays out what it reads."""

import json
import os
from pathlib import Path

project = "eddy"
release = version = os.environ["EDDY_VERSION"]
author = "the authors of eddy"
copyright = ""

extensions = ["myst_parser"]
myst_heading_anchors = 3
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
root_doc = "index"
nitpicky = True
nitpick_ignore_regex = [("c:.*", "(?!eddy|EDDY).*")]  # what is not ours
highlight_language = "text"
pygments_style = "friendly"
pygments_dark_style = "one-dark"

html_theme = "furo"
html_title = "eddy"
html_static_path = ["static"]
html_css_files = ["eddy.css"]
html_js_files = ["theme.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b6e75",
        "color-brand-content": "#0b6e75",
    },
    "dark_css_variables": {
        "color-brand-primary": "#5cc8d6",
        "color-brand-content": "#5cc8d6",
    },
}

# The order of the list that tools/docs has written: file, name, description, section.
listed = Path(os.environ["EDDY_DOCS_SOURCE"]) / "man_pages.json"
man_pages = []
if listed.exists():
    man_pages = [(Path(file).stem, name, about, [], section)
                 for file, name, about, section in json.loads(listed.read_text())]
man_show_urls = False
man_make_section_directory = True
