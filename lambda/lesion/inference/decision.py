"""Apply the model file's operating threshold, prediction-set limits and refusal rules to the model's outputs."""

from dataclasses import dataclass
from typing import Literal

from lesion.inference.card import Card
from lesion.inference.messages import refusal_message
from lesion.inference.model import Outputs

Side = Literal["benign", "malignant"]


@dataclass(frozen=True)
class Refusal:
    """The reason why an image is not classified.

    Attributes:
        code: stable identifier, from the model file.
        message: a sentence that says what to do.
    """

    code: str
    message: str


@dataclass(frozen=True)
class Decision:
    """The decision at the operating threshold.

    Attributes:
        above: whether the calibrated probability reaches the threshold.
        prediction_set: conformal prediction set, never empty: "benign", "malignant" or both.
    """

    above: bool
    prediction_set: tuple[Side, ...]


def decide(outputs: Outputs, card: Card) -> Decision | Refusal:
    """Return the decision for one image, or the refusal of the first rule that it violates.

    The prediction set is class-conditional split conformal (Vovk, "Conditional validity of inductive conformal predictors",
    2012): each side joins where its probability reaches its own limit. If neither does, the set holds both, which says that
    neither can be excluded.

    Args:
        outputs: the model's outputs for the image.
        card: of the model file, with the threshold, limits and rules of the outputs' image type and number of views.
    """
    point = card.point(outputs.image_type, outputs.views)
    for rule in point.refusal:
        value = float(getattr(outputs, rule.measure))
        # Written so that NaN is refused too.
        accepted = (rule.below is None or value >= rule.below) and (rule.above is None or value <= rule.above)
        if not accepted:
            return Refusal(rule.code, refusal_message(rule.code))
    sides: dict[Side, float] = {"benign": 1 - outputs.probability, "malignant": outputs.probability}
    reached = tuple(side for side, probability in sides.items() if probability >= point.set_limits[side])
    return Decision(outputs.probability >= point.threshold, reached or tuple(sides))
