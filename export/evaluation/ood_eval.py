"""What the model does with pictures that it was not made for: how many it refuses, and whether `distance` sees them."""

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


def evaluate_ood(model: Model, folder: Path, familiar: Predictions) -> dict[str, Any]:
    """Refusals among all pictures below `folder`, and the AUROC of `distance` between them and `familiar`.

    Files that are no pictures are passed over.
    """
    found = [outputs for path in sorted(folder.rglob("*.*")) if (outputs := _outputs(model, path)) is not None]
    decisions = [decide(outputs, model.card) for outputs in found]
    codes = Counter(decision.code for decision in decisions if isinstance(decision, Refusal))
    distance = np.concatenate(([outputs.distance for outputs in found], familiar.scalar("distance")))
    strange = np.arange(len(distance)) < len(found)
    return {
        "n": len(found),
        "refused": round(sum(codes.values()) / max(len(found), 1), 4),
        "codes": dict(codes),
        "distance_auroc": round(metrics.auc(distance, strange, np.ones(len(distance))), 4),
    }


def _outputs(model: Model, path: Path) -> Outputs | None:
    try:
        return model.run(decode(path.read_bytes(), at_least=2 * model.card.input_size).pixels)
    except RequestError:
        return None
