"""The diary's comparison of photos, js/diary/change.js, in node: without a browser, from images."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from tests.support.paths import REPOSITORY
from tests.support.site.photo_quality import SIDE, node

_MODULE = (REPOSITORY / "infra" / "site" / "js" / "diary" / "change.js").as_uri()
_COMPARE = f"""
const {{ compare, prepare }} = await import({_MODULE!r});
const {{ readFileSync }} = await import("node:fs");
const bytes = readFileSync(0);
const size = 4 * {SIDE} * {SIDE};
const prepared = [];
for (let at = 0; at < bytes.length; at += size) {{
    const data = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset + at, size);
    prepared.push(prepare({{ data, width: {SIDE}, height: {SIDE} }}));
}}
const found = [];
for (let at = 0; at < prepared.length; at += 2) found.push(compare(prepared[at], prepared[at + 1]));
process.stdout.write(JSON.stringify(found));
"""
_JUDGE = f"""
const {{ judge, scatterOf }} = await import({_MODULE!r});
const {{ readFileSync }} = await import("node:fs");
const given = JSON.parse(readFileSync(0, "utf-8"));
process.stdout.write(JSON.stringify(given.map(([difference, day]) => judge(difference, scatterOf(day ? [[day]] : [])))));
"""
Difference = Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """Two squares of side `SIDE`."""

    first: Image.Image
    second: Image.Image


def compare(pairs: Sequence[Pair]) -> list[dict[str, Any] | None]:
    """Return what the page finds about each pair: the similarity, and the difference where it can be measured."""
    images = [image for pair in pairs for image in (pair.first, pair.second)]
    assert all(image.size == (SIDE, SIDE) for image in images)
    found: list[dict[str, Any] | None] = node(_COMPARE, b"".join(image.convert("RGBA").tobytes() for image in images))
    return found


def judge(given: Sequence[tuple[Difference | None, Difference | None]]) -> list[dict[str, Any]]:
    """Return the page's verdicts about differences, each with that of two photos of one day."""
    verdicts: list[dict[str, Any]] = node(_JUDGE, json.dumps(given).encode())
    return verdicts
