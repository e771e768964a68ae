"""Images that are no lesions: what a model file answers to them, for its limits and as figures."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from lesion.errors import RequestError
from lesion.imaging.decode import decode
from lesion.inference.card import VIEWS
from lesion.inference.decision import Refusal, decide
from lesion.inference.model import Model, Outputs

from export.data.ood_images import fits_limits, list_ood_images
from export.evaluation import metrics
from export.evaluation.predictions import Predictions
from export.evaluation.schema import OodMetrics, RefusalCounts

FITTED_OOD_IMAGES = "fitted_ood_images"
"""Metadata entry: folder -> number of its images that fitted the limits of the OOD score."""


def evaluate_ood(model: Model, folder: Path, in_distribution: Predictions) -> OodMetrics:
    """Return the refusals of out-of-distribution images and the AUROC of the OOD score.

    Images that fitted the model's limits are left out. Files of format 1 answer with one view only here.

    Args:
        model: the model file.
        folder: folder with out-of-distribution images, searched recursively; files that cannot be decoded are skipped.
        in_distribution: predictions of in-distribution images, usually of `val`.

    Returns:
        Number of images, share refused, number of images by refusal code, and AUROC of `distance` between both kinds, with
        one view; share and codes with eight.

    Raises:
        DataError: the folder is empty.
    """
    paths = list_ood_images(folder)
    if folder.name in model.card.about.get(FITTED_OOD_IMAGES, {}):
        paths = [path for path in paths if not fits_limits(path)]
    outputs = _run(model, paths, 1)
    distance = np.concatenate(([one.distance for one in outputs], in_distribution.scalar("distance")))
    is_ood = np.arange(len(distance)) < len(outputs)
    one_view = _refusals(model, outputs)
    figures: OodMetrics = {
        "n": len(outputs),
        "refused": one_view["refused"],
        "codes": one_view["codes"],
        "distance_auroc": round(metrics.auc(distance, is_ood, np.ones(len(distance))), 4),
    }
    if model.card.format != "1":
        figures["eight_views"] = _refusals(model, _run(model, paths, 8))
    return figures


def _refusals(model: Model, outputs: Sequence[Outputs]) -> RefusalCounts:
    decisions = [decide(one, model.card) for one in outputs]
    codes = Counter(decision.code for decision in decisions if isinstance(decision, Refusal))
    return {"refused": round(sum(codes.values()) / max(len(outputs), 1), 4), "codes": dict(codes)}


def ood_outputs(model: Model, kinds: Iterable[Sequence[Path]]) -> list[dict[int, list[Outputs]]]:
    """Return, for the files of each kind, number of views -> outputs, without images that cannot be decoded.

    Args:
        model: the model file, which detects their type.
        kinds: files of each kind.
    """
    return [{views: _run(model, paths, views) for views in VIEWS} for paths in kinds]


def _run(model: Model, paths: Sequence[Path], views: int) -> list[Outputs]:

    def run(path: Path) -> Outputs | None:
        try:
            return model.run(decode(path.read_bytes(), at_least=2 * model.card.input_size).pixels, views=views)
        except RequestError:
            return None

    return [outputs for path in paths if (outputs := run(path)) is not None]
