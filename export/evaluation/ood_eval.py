"""Evaluation on out-of-distribution images: share refused, and AUROC of the OOD score `distance`."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from lesion.errors import RequestError
from lesion.imaging.decode import decode
from lesion.inference.decision import Refusal, decide
from lesion.inference.model import Model, Outputs

from export.evaluation import metrics
from export.evaluation.predictions import Predictions


def evaluate_ood(model: Model, folder: Path, in_distribution: Predictions) -> dict[str, Any]:
    """Return the refusals of out-of-distribution images and the AUROC of the OOD score.

    Args:
        model: the model file.
        folder: folder with out-of-distribution images, searched recursively; files that cannot be decoded are skipped.
        in_distribution: predictions of in-distribution images, usually of `val`.

    Returns:
        number of images, share refused, number of images by refusal code, and AUROC of `distance` between both kinds.
    """
    ood_outputs = [outputs for path in sorted(folder.rglob("*.*")) if (outputs := _outputs(model, path)) is not None]
    decisions = [decide(outputs, model.card) for outputs in ood_outputs]
    codes = Counter(decision.code for decision in decisions if isinstance(decision, Refusal))
    distance = np.concatenate(([outputs.distance for outputs in ood_outputs], in_distribution.scalar("distance")))
    is_ood = np.arange(len(distance)) < len(ood_outputs)
    return {
        "n": len(ood_outputs),
        "refused": round(sum(codes.values()) / max(len(ood_outputs), 1), 4),
        "codes": dict(codes),
        "distance_auroc": round(metrics.auc(distance, is_ood, np.ones(len(distance))), 4),
    }


def _outputs(model: Model, path: Path) -> Outputs | None:
    try:
        return model.run(decode(path.read_bytes(), at_least=2 * model.card.input_size).pixels)
    except RequestError:
        return None
