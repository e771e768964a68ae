"""Model outputs + limits from the model file -> decision and prediction set, or a refusal."""

from dataclasses import dataclass
from typing import Literal

from lesion.inference.model import Card, Outputs

Side = Literal["benign", "malignant"]

_MESSAGES = {
    "too_small": "The picture is too small to judge. Send the original photograph, or take one from closer.",
    "too_dark": "The picture is too dark to judge. Take it again in daylight or with the light on.",
    "too_blurry": "The picture is too blurred to judge. Hold still, let the camera focus, and take it again.",
    "not_a_lesion": (
        "This does not look like the close-up photographs of skin lesions that the model knows. "
        "Send a sharp close-up with one lesion in the middle."
    ),
    "unstable": (
        "The answer changes when the same picture is turned, so it would mean nothing. "
        "Take the picture again, straight from above and in even light."
    ),
}
_OTHER = "The model does not judge this picture. Send a sharp, well-lit close-up with one lesion in the middle."


@dataclass(frozen=True)
class Refusal:
    """Why a photograph is not judged: a stable code, and a sentence that says what to do."""

    code: str
    message: str


@dataclass(frozen=True)
class Decision:
    """The answer at the operating threshold.

    Attributes:
        above: whether the calibrated probability reaches the threshold.
        prediction_set: conformal set, never empty: "benign", "malignant" or both.
    """

    above: bool
    prediction_set: tuple[Side, ...]


def message(code: str) -> str:
    """What to tell a person whose photograph is refused with `code`, which may be another model's own."""
    return _MESSAGES.get(code, _OTHER)


def decide(outputs: Outputs, card: Card) -> Decision | Refusal:
    """Apply the model file's limits to one answer of the graph.

    The prediction set is class-conditional split conformal (Vovk 2012): each side joins where its probability reaches
    its own limit. Where neither does, nothing is known, and that is what both sides together say.
    """
    for rule in card.refusal:
        value = float(getattr(outputs, rule.measure))
        # Written so that a value that is not a number is refused too.
        kept = (rule.below is None or value >= rule.below) and (rule.above is None or value <= rule.above)
        if not kept:
            return Refusal(rule.code, message(rule.code))
    sides: dict[Side, float] = {"benign": 1 - outputs.probability, "malignant": outputs.probability}
    reached = tuple(side for side, probability in sides.items() if probability >= card.set_limits[side])
    return Decision(outputs.probability >= card.threshold, reached or tuple(sides))
