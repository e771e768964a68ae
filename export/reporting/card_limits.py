"""Parts of the model card about calibration, thresholds, prediction sets, refusal rules and the detection of image types."""

from collections.abc import Iterable, Iterator

from lesion.inference.card import Card, OperatingPoint, RefusalRule

from export.arrays import Figures
from export.reporting.formatting import format_interval

_FROM_VAL = "the bootstrap median (by lesion group) of the threshold with 95 % sensitivity on `val`"


def describe_limits(card: Card) -> str:
    """Return the sentences about calibration, threshold and prediction sets, with a table where there are several points."""
    point = card.default_point
    if card.format == "1":
        return (
            f"Calibration: {point.calibration['method']}, selected by cross-validated log loss ({_log_losses(point)}). "
            f"Operating threshold: {point.threshold:.3f}, {_FROM_VAL}. Prediction sets: class-conditional split conformal "
            f"at {min(point.coverage.values()):.0%}."
        )
    return (
        "Calibration, operating threshold, prediction sets and refusal limits depend on image type and number of views. "
        f"The calibration is selected by cross-validated log loss; the threshold is {_FROM_VAL}. Prediction sets: "
        "class-conditional split conformal, extended where a set would lack the side of the decision, which raises coverage."
    )


def limits_table(card: Card) -> Iterable[str]:
    """Yield the lines of a table: calibration, threshold and prediction sets of each image type and number of views."""
    yield (
        "| image type | views | calibration (cross-validated log loss) | threshold | malignant in the set from (coverage) | "
        "benign in the set from (coverage) |"
    )
    yield "|---|---|---|---|---|---|"
    for image_type, by_views in card.operating_points.items():
        for views, point in by_views.items():
            sides = (f"{point.set_limits[side]:.3f} ({point.coverage[side]:.1%})" for side in ("malignant", "benign"))
            calibration = f"{point.calibration['method']} ({_log_losses(point)})"
            yield f"| {image_type} | {views} | {calibration} | {point.threshold:.3f} | {' | '.join(sides)} |"


def refusal_list(card: Card) -> Iterator[str]:
    """Yield the lines of a list: refusal rules in order, with the limit of each image type and number of views.

    One view has no spread, so that its limit on it is left out.
    """
    points = [
        (f"{image_type}, {views} view{'s' if views > 1 else ''}", views, point)
        for image_type, by_views in card.operating_points.items()
        for views, point in by_views.items()
    ]
    if card.format == "1":
        points = points[:1]
    rules = {rule.code: rule for *_, point in points for rule in point.refusal}
    for code, rule in rules.items():
        limits = {
            name: _limit(own)
            for name, views, point in points
            for own in point.refusal
            if own.code == code and not (rule.measure == "spread" and views == 1 and card.format != "1")
        }
        if len(limits) == len(points) and len(set(limits.values())) == 1:
            yield f"- `{code}`: {rule.measure} {_limit(rule)}"
        else:
            yield f"- `{code}`: {rule.measure} " + "; ".join(f"{limit} ({name})" for name, limit in limits.items())


def describe_spread(card: Card) -> str:
    """Return the sentence about where the spread between views predicts errors, and where it does not."""
    parts = [
        f"{format_interval(figures)} of the {image_type} images"
        for image_type, figures in card.about.get("errors_by_spread", {}).items()
    ]
    if not parts:
        return ""
    return (
        "`unstable` exists only where the spread of eight views predicts wrong decisions on `val` beyond chance (AUC above "
        f"0.5): {' and '.join(parts)}."
    )


def describe_detection(figures: Figures) -> str:
    """Return the sentence about how often the image type is detected correctly on `test`."""
    return (
        f"Image type detected correctly: {format_interval(figures['dermoscopic'])} of the dermoscopic and "
        f"{format_interval(figures['clinical'])} of the clinical images, AUC {format_interval(figures['auc'])}. All figures "
        "of this page are those of detected types."
    )


def _log_losses(point: OperatingPoint) -> str:
    losses = point.calibration.get("cross_validated_log_loss", {})
    return ", ".join(f"{method} {loss:.4f}" for method, loss in losses.items()) or "not recorded"


def _limit(rule: RefusalRule) -> str:
    return f"below {rule.below:g}" if rule.below is not None else f"above {rule.above:g}"
