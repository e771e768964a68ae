"""Answers of private mode in the browser and of the service, and where they differ."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from lesion.inference.card import Card
from playwright.sync_api import Page

CLASSIFY = """async ([data, views, imageType]) => {
    const { classifyPrivately } = await import("/js/private/mode.js");
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    try {
        return await classifyPrivately(new Blob([bytes]), { views, imageType }, new AbortController().signal);
    } catch (error) {
        return error.key ?? String(error);
    }
}"""
PROBABILITY_GAP = 0.0125
"""Largest difference of a probability for the same pixels. WebAssembly has no fused multiply-add, so that a number may
become the other of two bytes."""
TYPE_LIMIT = 0.5
Answer = Mapping[str, Any]


def here(page: Page, image_bytes: bytes, views: int = 1, image_type: str = "auto") -> Any:
    """Return the answer of private mode, or the name of the sentence that stands in its place."""
    return page.evaluate(CLASSIFY, [b64encode(image_bytes).decode(), views, image_type])


def there(base_url: str, image_bytes: bytes, views: int = 1) -> Any:
    """Return the answer of the service."""
    return httpx2.post(f"{base_url}/api/classify?views={views}", content=image_bytes, timeout=120).json()


def decided(answer: Any) -> Any:
    """Return all that a person goes by, without the numbers behind it."""
    prediction = answer["prediction"]
    kept = prediction and [prediction[name] for name in ("decision", "threshold", "prediction_set")]
    image = {name: value for name, value in answer["image"].items() if name != "type_probability"}
    return [answer[name] for name in ("status", "refusal", "model", "disclaimer")] + [image, kept]


@dataclass(frozen=True)
class Difference:
    """What differs between two answers about one image.

    Attributes:
        parts: names of what differs: "type", "refusal", "decision", "prediction set".
        limits: names of the limits within `PROBABILITY_GAP` of a probability of either answer.
    """

    parts: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def is_excused(self) -> bool:
        """Whether a probability lies so near to a limit that rounding explains the difference; never of a refusal."""
        return bool(self.limits) and "refusal" not in self.parts


def _parts(ours: Answer, theirs: Answer) -> tuple[str, ...]:
    """Return the names of what differs; decision and set only of two predictions."""
    parts = []
    if ours["image"]["type"] != theirs["image"]["type"]:
        parts.append("type")
    if (ours["refusal"] or {}).get("code") != (theirs["refusal"] or {}).get("code"):
        parts.append("refusal")
    if ours["prediction"] and theirs["prediction"]:
        for name, key in (("decision", "decision"), ("prediction set", "prediction_set")):
            parts += [name] if ours["prediction"][key] != theirs["prediction"][key] else []
    return tuple(parts)


def difference(ours: Any, theirs: Any, card: Card, views: int) -> Difference | None:
    """Return what differs between the answers of private mode and of the service; None if nothing does.

    Args:
        ours: of private mode; the name of a sentence counts as a refusal.
        theirs: of the service.
        card: of the model file.
        views: 1 or 8.
    """
    if isinstance(ours, str) or "status" not in theirs:
        return Difference(("refusal",), ())
    parts = _parts(ours, theirs)
    if not parts:
        return None
    near: dict[str, None] = {}
    for answer in (ours, theirs):
        share = answer["image"]["type_probability"]
        if share is not None and abs(share - TYPE_LIMIT) <= PROBABILITY_GAP:
            near["type"] = None
        if not answer["prediction"]:
            continue
        point = card.point(answer["image"]["type"], views)
        limits = {
            "threshold": point.threshold,
            "malignant in the set": point.set_limits["malignant"],
            "benign in the set": 1 - point.set_limits["benign"],
        }
        probability = answer["prediction"]["malignant_probability"]
        near |= {name: None for name, limit in limits.items() if abs(probability - limit) <= PROBABILITY_GAP}
    return Difference(parts, tuple(near))
