"""The published document: index.html with its English text and a preload link to every module that it needs at first.

The English sentences are written once, in strings/en.json. The document names them by attributes; with their text, it can be
read without JavaScript, and nothing changes when the scripts run. The manifest of the installed app gets its names from the
files of the languages too. The styles of the first view are one file, so that a browser waits for one only.
"""

import html
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

ENTRY = "js/main.js"
ENGLISH = "strings/en.json"
_IMPORT = re.compile(r'^(?:import .+|}) from "(.+?)";$', re.MULTILINE)
"""A static import; the last line of an import over several lines is `} from "…";`."""
_TEXT = re.compile(r'(<[^<>]*\sdata-t="([^"]+)"[^<>]*>)([^<]*)')
"""A tag that names the text of its element, and what follows until the next tag."""
_ATTRIBUTE = re.compile(r'\sdata-t-(label|content)="([^"]+)"')
_ATTRIBUTES = {"label": "aria-label", "content": "content"}
"""Attribute that `data-t-…` fills, as in js/i18n/document-text.js."""


STYLES = "style.css"
_STYLE = re.compile(r'^@import "(.+?)";$', re.MULTILINE)


class PageError(Exception):
    """The document cannot be completed; the message names what is wrong in it."""


def complete(page: str, published: Mapping[str, bytes]) -> str:
    """Return the document as it is published.

    Args:
        page: index.html of infra/site.
        published: content of every published file by its name.

    Raises:
        PageError: the document names a text that strings/en.json does not contain, or contains the text itself.
    """
    return _with_preloads(with_text(page, dict(flatten_strings(json.loads(published[ENGLISH])))), published)


def complete_manifest(manifest: str, published: Mapping[str, bytes]) -> str:
    """Return the manifest with name and description in every language, see `name_localized` of the Web App Manifest.

    Args:
        manifest: manifest.json of infra/site, without them.
        published: content of every published file by its name.
    """
    languages = {name[len("strings/") : -len(".json")]: name for name in sorted(published) if name.startswith("strings/")}
    strings = {code: json.loads(published[name]) for code, name in languages.items()}
    names: dict[str, Any] = {}
    for member, key in (("name", "title"), ("description", "summary")):
        names[member] = strings["en"][key]
        names[f"{member}_localized"] = {code: texts[key] for code, texts in strings.items() if code != "en"}
    return json.dumps(names | json.loads(manifest), ensure_ascii=False, indent=2)


def join_styles(published: Mapping[str, bytes]) -> tuple[str, set[str]]:
    """Return style.css with the content of the files that it imports, and the names of those files.

    Args:
        published: content of every file by its name.
    """
    imported: set[str] = set()

    def content(match: re.Match[str]) -> str:
        imported.add(match[1])
        return published[match[1]].decode().strip() + "\n"

    return _STYLE.sub(content, published[STYLES].decode()), imported


def with_text(page: str, strings: Mapping[str, str]) -> str:
    """Return the page with the text of each element and attribute that names one.

    Args:
        page: with empty elements.
        strings: sentence by key, such as `photo.heading`.

    Raises:
        PageError: a key does not exist, or an element contains its text.
    """

    def sentence(key: str) -> str:
        if key not in strings:
            raise PageError(f"index.html names the text {key!r}, which {ENGLISH} does not contain.")
        return html.escape(strings[key])

    def element(match: re.Match[str]) -> str:
        tag, key, text = match.groups()
        if text.strip():
            raise PageError(f"index.html contains the text of {key!r}, which {ENGLISH} contains. Leave the element empty.")
        return f"{tag}{sentence(key)}{text}"

    def attribute(match: re.Match[str]) -> str:
        return f' {_ATTRIBUTES[match[1]]}="{sentence(match[2])}"{match[0]}'

    return _TEXT.sub(element, _ATTRIBUTE.sub(attribute, page))


def _with_preloads(page: str, published: Mapping[str, bytes]) -> str:
    """Return the page with a preload link to every module that it imports statically.

    Without the links, a browser discovers each module only in the module that imports it, one round trip per level.
    """
    module_names = [ENTRY]
    for name in module_names:
        folder = posixpath.dirname(f"/{name}")
        imported = (posixpath.normpath(posixpath.join(folder, to))[1:] for to in _IMPORT.findall(published[name].decode()))
        module_names += [to for to in dict.fromkeys(imported) if to not in module_names]
    links = "".join(f'  <link rel="modulepreload" href="/{name}">\n' for name in module_names)
    return page.replace("</head>", f"{links}</head>")


def flatten_strings(strings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield each sentence of a file of `strings/` with its whole key, such as `photo.heading`."""
    for key, value in strings.items():
        if isinstance(value, dict):
            yield from flatten_strings(value, f"{before}{key}.")
        else:
            yield before + key, value
