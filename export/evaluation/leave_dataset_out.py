"""Leave-one-data-set-out refusals: whether the OOD detector refuses dermoscopic images of unknown cameras."""

from collections.abc import Sequence

import numpy as np
import onnx

from export.arrays import Figures, Labels, Mask
from export.data.labels import LabelledImage
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.metrics import rate
from export.evaluation.ood import extract_features, fit_ood_statistics, ood_distances, sample_per_dataset
from export.evaluation.thresholds import DISTANCE_QUANTILE

MIN_IMAGES = 50
"""Images that a data set needs to be left out."""


def refusals_per_dataset(model: onnx.ModelProto, rows: Sequence[LabelledImage]) -> dict[str, Figures]:
    """Return how many of each data set's images are refused as `not_a_lesion` when the detector was fitted without it.

    The limit is the quantile of the remaining `val` images that `python -m export convert` uses. No label takes part.

    Args:
        model: the model file; its own OOD statistics are not used.
        rows: of all splits.

    Returns:
        Data set -> figures of all its images under "all", and under "unseen" of those that the network was not trained on
        either (`val` and `test`). Data sets with fewer than `MIN_IMAGES`, and those that are most of `train`, are omitted.
    """
    names = np.array([row.dataset for row in rows])
    fitted_rows = sample_per_dataset([row for row in rows if row.split == "train"])
    train_features, train_names = extract_features(model, fitted_rows), np.array([row.dataset for row in fitted_rows])
    val = [row for row in rows if row.split == "val"]
    val_features, val_names = extract_features(model, val), np.array([row.dataset for row in val])
    figures = {}
    for name in sorted(set(names)):
        own = [row for row in rows if row.dataset == name]
        others, kept = val_names != name, train_names != name
        if len(own) < MIN_IMAGES or not others.any() or kept.sum() < len(kept) / 2:
            # Without the largest data set, too few images would be left to fit on.
            continue
        statistics = fit_ood_statistics(train_features[kept])
        limit = np.quantile(ood_distances(statistics, val_features[others]), DISTANCE_QUANTILE)
        refused = ood_distances(statistics, extract_features(model, own)) > limit
        unseen = np.array([row.split != "train" for row in own])
        groups = np.array([row.group for row in own])
        figures[name] = {"all": _refused(refused, groups), "unseen": _refused(refused[unseen], groups[unseen])}
    return figures


def _refused(refused: Mask, groups: Labels) -> Figures:
    everything = np.ones(len(refused), bool)
    share = bootstrap_interval(lambda weights: rate(refused, everything, weights), groups)
    return {"n": len(refused), "refused": share.json()}
