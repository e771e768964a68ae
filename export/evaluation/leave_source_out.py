"""Leave-one-source-out: figures for images of a data set that neither the training nor the calibration has seen.

Calibration, threshold and prediction sets are fitted as `export.evaluation.operating_point` does, on the logits that a
network without the data set has for `val` of the others. `test` takes no part.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.arrays import Array, Figures, Labels, Mask
from export.data.labels import LabelledImage
from export.evaluation import metrics
from export.evaluation.bootstrap import bootstrap_interval, expected_under_calibration
from export.evaluation.image_set import rate_interval
from export.evaluation.thresholds import operating_threshold, prediction_sets
from export.graph.calibration import cross_validated_log_losses, select_calibration

FEWEST_OF_A_SIDE = 10
"""Malignant and benign images of a source and type in `val`, below which it is not left out, or not calibrated on."""


@dataclass(frozen=True)
class Scored:
    """Images with the malignant logits that a network has for them.

    Attributes:
        rows: N images.
        logit: float64 (N,).
    """

    rows: Sequence[LabelledImage]
    logit: Array

    def of_type(self, image_type: str) -> "Scored":
        """Return the images of one type."""
        return self.select(np.array([row.image_type == image_type for row in self.rows], bool))

    def of_split(self, split: str) -> "Scored":
        """Return the images of one split."""
        return self.select(np.array([row.split == split for row in self.rows], bool))

    def select(self, mask: Mask) -> "Scored":
        """Return the images where `mask` (N,) is true."""
        return Scored([row for row, kept in zip(self.rows, mask, strict=True) if kept], self.logit[mask])

    @property
    def malignant(self) -> Mask:
        """Labels, (N,)."""
        return np.array([row.malignant for row in self.rows], bool)

    @property
    def groups(self) -> Labels:
        """Lesion group of every image, (N,)."""
        return np.array([row.group for row in self.rows])


def datasets_to_leave_out(rows: Sequence[LabelledImage]) -> list[str]:
    """Return the data sets that can be left out.

    Each of their image types in `val` has enough images of both sides there, and so have the other data sets together.

    Args:
        rows: of all splits.
    """
    val = [row for row in rows if row.split == "val"]
    possible = []
    for name in sorted({row.dataset for row in val}):
        types = {row.image_type for row in val if row.dataset == name}
        parts = [
            [row for row in val if row.image_type == image_type and (row.dataset == name) == is_own]
            for image_type in types
            for is_own in (True, False)
        ]
        if all(_fewest(part) >= FEWEST_OF_A_SIDE for part in parts):
            possible.append(name)
    return possible


def rows_without(rows: Sequence[LabelledImage], dataset: str) -> list[LabelledImage]:
    """Return the images of all other data sets, without the lesions and patients that the data set shows as well."""
    groups = {row.group for row in rows if row.dataset == dataset}
    return [row for row in rows if row.group not in groups]


def rows_of(rows: Sequence[LabelledImage], dataset: str) -> list[LabelledImage]:
    """Return the images of a data set in `train` and `val`."""
    return [row for row in rows if row.dataset == dataset and row.split != "test"]


def folder_name(dataset: str) -> str:
    """Return a name for the folder of the training without a data set."""
    return "without-" + re.sub(r"[^\w.-]+", "-", dataset)


def unseen_figures(others: Scored, unseen: Scored, seen: Scored) -> dict[str, Figures]:
    """Return the figures of a data set that was left out, by image type.

    Args:
        others: `val` of the other data sets, with the logits of the network that was trained without the data set.
        unseen: `train` and `val` of the data set, with the logits of the same network.
        seen: `val` of the data set, with the logits of a network that was trained with it in the same way.

    Returns:
        data set and image type, separated by a comma and a space -> number of images, `auc`, `calibration_slope`,
        `calibration_error`, the `calibration_error_if_right`, `sensitivity`, `specificity`, and `coverage` by side; under
        `val` the AUC of both networks on the images of `seen`. All with 95 % intervals over lesion groups.
    """
    figures = {}
    for image_type in sorted({row.image_type for row in seen.rows}):
        fitted, own, reference = (part.of_type(image_type) for part in (others, unseen, seen))
        losses = cross_validated_log_losses(fitted.logit, fitted.malignant, fitted.groups)
        calibration = select_calibration(fitted.logit, fitted.malignant, losses)
        score = calibration.apply(fitted.logit)
        threshold = operating_threshold(score, fitted.malignant, fitted.groups)
        limits = prediction_sets(score, fitted.malignant, threshold).limits
        name = f"{own.rows[0].dataset}, {image_type}"
        figures[name] = {
            **_of_probability(calibration.apply(own.logit), own, threshold, limits),
            "val": {"n": len(reference.rows), "unseen": _auc(own.of_split("val")), "seen": _auc(reference)},
        }
    return figures


def _of_probability(score: Array, own: Scored, threshold: float, limits: dict[str, float]) -> Figures:
    malignant, groups, ones = own.malignant, own.groups, np.ones(len(score))
    return {
        "n": len(score),
        "malignant": int(malignant.sum()),
        "auc": _auc(own),
        "calibration_slope": bootstrap_interval(
            lambda weights: metrics.calibration_slope(score, malignant, weights), groups
        ).json(),
        "calibration_error": bootstrap_interval(
            lambda weights: metrics.calibration_error(score, malignant, weights), groups
        ).json(),
        "calibration_error_if_right": expected_under_calibration(
            lambda labels: metrics.calibration_error(score, labels, ones), score
        ).json(),
        "sensitivity": rate_interval(score >= threshold, malignant, groups),
        "specificity": rate_interval(score < threshold, ~malignant, groups),
        "coverage": {
            "malignant": rate_interval(score >= limits["malignant"], malignant, groups),
            "benign": rate_interval(1 - score >= limits["benign"], ~malignant, groups),
        },
    }


def _auc(scored: Scored) -> Figures:
    # Read once: a thousand resamples follow.
    malignant = scored.malignant
    return dict(bootstrap_interval(lambda weights: metrics.auc(scored.logit, malignant, weights), scored.groups).json())


def _fewest(rows: Sequence[LabelledImage]) -> int:
    malignant = sum(row.malignant for row in rows)
    return min(malignant, len(rows) - malignant)
