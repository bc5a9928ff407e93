"""The settings of Sphinx. The build reads nothing from the network."""

import io
import os
import re
from contextlib import redirect_stdout, suppress
from importlib import import_module
from importlib.metadata import version as installed
from importlib.util import find_spec
from inspect import getdoc

from docutils import nodes
from sphinx.addnodes import desc_annotation, pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from xmla_headers import RULES, cli

logger = logging.getLogger(__name__)

project = "xmla_headers"
author = "The xmla_headers authors"
copyright = "the xmla_headers authors"  # noqa: A001 - the name that Sphinx reads
version = release = installed("xmla_headers")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
# A page about a module that this version does not have is left out.
exclude_patterns = ["_build", *([] if find_spec("xmla_headers.http") else ["reference/modules/http.md"])]

html_theme = "furo"
html_title = f"xmla_headers {version}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_theme_options = {"navigation_with_keys": True}
html_copy_source = False
html_show_sphinx = False
# Broken messages are examples here, and not every lexer accepts them.
suppress_warnings = ["misc.highlighting_failure"]

myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 3

# Docstrings write names as `name`: a link where the name is known, code otherwise.
default_role = "py:obj"
# Dashes only: a quote in a docstring may be part of a value.
smartquotes_action = "D"
autodoc_default_options = {"members": True, "undoc-members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_display_short_literal_types = True
maximum_signature_line_length = 72


class CommandHelp(SphinxDirective):
    """The directive `command-help`: the help of xmla-headers, and a section with that of each command."""

    def run(self) -> list[nodes.Node]:
        """Return the help as literal blocks."""
        text, block = self._help()
        found: list[nodes.Node] = [block]
        _, _, commands = text.partition("\n  COMMAND\n")
        for name in re.findall(r"^ {4}(\w+)", commands, re.MULTILINE):
            section = nodes.section("", nodes.title(name, name), self._help(name)[1], ids=[name])
            self.state.document.note_explicit_target(section)
            found.append(section)
        return found

    def _help(self, *command: str) -> tuple[str, nodes.literal_block]:
        out = io.StringIO()
        with redirect_stdout(out), suppress(SystemExit):
            cli.run([*command, "--help"], cli.Streams(io.BytesIO(), out, out))
        text = out.getvalue().strip()
        return text, nodes.literal_block(text, text, language="text")


def read_sections(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Read the sections of a docstring, such as Args and Returns.

    The extension of Sphinx that does this takes the words before a colon in the docstring of an attribute for
    its type, so it is told that every attribute is a method.
    """
    what = "method" if what in {"attribute", "data", "property"} else what
    if "\n".join(lines).strip() == getdoc(type(obj)):
        # A constant has no docstring at run time; the page about it has one.
        lines.clear()
    config = Config(napoleon_use_rtype=False)
    lines[:] = GoogleDocstring(lines, config, app, what, name, obj, options).lines()


def plain_defaults(
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    """Replace defaults whose representation is not Python, such as Fragment(<0 bytes>)."""
    return signature and re.sub(r"\(<[^<>]*>\)", "()", signature), returns


def hide_functions(app: Sphinx, document: nodes.document) -> None:
    """Remove the values of attributes that contain functions, which have no readable representation."""
    for value in list(document.findall(desc_annotation)):
        if "<function " in value.astext():
            value.parent.remove(value)


def link_code(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Return the link from a code in a docstring to its section on the page of codes."""
    target = node["reftarget"]
    if target not in RULES:
        return None
    return make_refnode(app.builder, node["refdoc"], "codes", nodes.make_id(target), content)


def find_missing(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn about public names that the reference does not have."""
    described = {entry[0] for entry in env.get_domain("py").get_objects()}
    pages = env.found_docs
    modules = [page.rpartition("/")[2] for page in sorted(pages) if page.startswith("reference/modules/")]
    for module in ("xmla_headers", *(f"xmla_headers.{name}" for name in modules)):
        for name in import_module(module).__all__:
            if f"{module}.{name}" not in described and not name.startswith("__"):
                logger.warning("the reference has no %s.%s", module, name)


def unlink_type(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the built-in `type` of a signature from being linked to the attributes of that name."""
    for node in list(doctree.findall(pending_xref)):
        if node.get("reftarget") == "type":
            node.replace_self(nodes.Text("type"))


def setup(app: Sphinx) -> None:
    """Add the directive, and the changes to docstrings, signatures, values and links."""
    app.connect("autodoc-process-signature", plain_defaults)
    app.connect("doctree-read", hide_functions)
    app.connect("doctree-read", unlink_type)
    app.connect("env-check-consistency", find_missing)
    app.connect("missing-reference", link_code)
    app.connect("autodoc-process-docstring", read_sections)
    os.environ.update(COLUMNS="80", NO_COLOR="1")
    app.add_directive("command-help", CommandHelp)
