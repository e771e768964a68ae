"""The model card with the metadata that the Hugging Face Hub reads: models/huggingface.md, to be uploaded as README.md.

The header is YAML between two lines of hyphens (https://huggingface.co/docs/hub/model-cards). Texts in it are quoted as
JSON, which YAML contains.
"""

import json
from collections.abc import Iterator

from lesion.inference.model import Model

from export.arrays import Figures
from export.reporting.model_card import render_card

TAGS = ("onnx", "dermatology", "dermoscopy", "skin-lesion", "medical-imaging", "calibration", "conformal-prediction")

_METRICS = {
    "auc": ("roc_auc", "AUC, malignant against benign"),
    "sensitivity": ("recall", "Sensitivity at the operating threshold"),
    "specificity": ("specificity", "Specificity at the operating threshold"),
    "calibration_error": ("ece", "Expected calibration error"),
}
"""Figure of metrics.json -> type of the metric on the Hub, and its name."""


def render_hugging_face(model: Model, metrics: Figures) -> str:
    """Return header and card as Markdown.

    Args:
        model: the loaded model file.
        metrics: contents of its metrics.json.
    """
    return "\n".join(("---", *_header(model, metrics), "---", "", render_card(model, metrics)))


def _header(model: Model, metrics: Figures) -> Iterator[str]:
    licence = str(model.card.about["licence"])
    non_commercial = licence.startswith("CC BY-NC 4.0")
    yield f"license: {'cc-by-nc-4.0' if non_commercial else 'other'}"
    if not non_commercial:
        yield f"license_name: {json.dumps(licence)}"
    yield "language: en"
    yield "library_name: onnx"
    yield "pipeline_tag: image-classification"
    yield "tags:"
    yield from (f"- {tag}" for tag in TAGS)
    yield "metrics:"
    yield from (f"- {kind}" for kind, _ in _METRICS.values())
    yield "model-index:"
    yield f"- name: {json.dumps(f'skin-lesion classifier {model.card.version}')}"
    yield "  results:"
    test = metrics["test"]
    # Of models of both types, the figures are those of each type.
    parts = {f"{name} images": part for name, part in test.get("types", {}).items()} or {"test": test["all"]}
    for name, part in parts.items():
        yield from _result(f"held-out images, {name}" if name != "test" else "held-out images", part)


def _result(dataset: str, part: Figures) -> Iterator[str]:
    yield "  - task:"
    yield "      type: image-classification"
    yield "      name: Malignant against benign skin lesions"
    yield "    dataset:"
    described = f"{dataset} (n = {part['n']}, {part['malignant']} malignant)"
    yield f"      name: {json.dumps(described)}"
    yield "      type: imagefolder"
    yield "      split: test"
    yield "    metrics:"
    for key, (kind, name) in _METRICS.items():
        figure = part[key]
        if figure["value"] is None:
            continue
        yield f"    - type: {kind}"
        yield f"      name: {json.dumps(name)}"
        yield f"      value: {figure['value']}"
        yield f"      args: {json.dumps({'low': figure['low'], 'high': figure['high'], 'interval': 0.95})}"
