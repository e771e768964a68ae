"""Classify photographs of skin lesions, each on its own.

    lesion classify photo.jpg
    lesion classify photo.jpg --views 8 --json        the answer of the HTTP API, one line for each photograph
    lesion classify *.jpg --model my.onnx

Research demonstration, not a medical device. It needs no network, and writes nothing.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from lesion import load
from lesion.classifier import Classifier
from lesion.errors import RequestError
from lesion.inference.card import IMAGE_TYPES, ImageType
from lesion.inference.messages import DISCLAIMER
from lesion.inference.schemas import Classification, Views, to_json


def options() -> argparse.ArgumentParser:
    """Return the parser of `lesion classify`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, nargs="+", help="file in any format that the service reads")
    parser.add_argument("--json", action="store_true", help="print the answer of the HTTP API")
    parser.add_argument("--model", type=Path, help="model file (default: the published one)")
    parser.add_argument("--views", type=int, choices=[views.value for views in Views], default=1)
    parser.add_argument(
        "--image-type", choices=["auto", *IMAGE_TYPES], default="auto", help="of the photographs (default: detect it)"
    )
    return parser


def main(args: argparse.Namespace) -> int:
    """Run `lesion classify`.

    Returns:
        1 if a file could not be classified, otherwise 0.

    Raises:
        ModelFileError: the model file cannot be read.
        UnsupportedImageType: the model has no operating point for the type.
    """
    classifier = load(args.model)
    image_type: ImageType | None = None if args.image_type == "auto" else args.image_type
    failed = False
    for path in args.image:
        try:
            answer = classifier.classify(path, views=args.views, evidence=args.json, image_type=image_type)
        except (OSError, RequestError) as error:
            failed = True
            detail = (error.strerror or "It cannot be read.") if isinstance(error, OSError) else str(error)
            print(f"{path}: {detail}", file=sys.stderr)
            continue
        if args.json:
            print(json.dumps({"file": str(path), **json.loads(to_json(answer))}, ensure_ascii=False))
        else:
            print(f"{path}: {' '.join(_sentences(answer, classifier))}")
    if not args.json:
        print(f"Model {classifier.card.version}. {DISCLAIMER}")
    return int(failed)


def _sentences(answer: Classification, classifier: Classifier) -> Iterator[str]:
    if answer.refusal is not None:
        yield f"refused ({answer.refusal.code}). {answer.refusal.message}"
    if (prediction := answer.prediction) is None:
        return
    side = "at or above" if prediction.decision == "above_threshold" else "below"
    probability, threshold = 100 * prediction.malignant_probability, 100 * prediction.threshold
    yield f"Probability of malignancy {probability:.1f} %, {side} the threshold of {threshold:.1f} %."
    names = {entry.code: entry.name for entry in classifier.card.classes}
    first = prediction.classes[0]
    yield f"Most probable class: {names[first.code].lower()} ({100 * first.probability:.0f} %)."
    if len(prediction.prediction_set) > 1:
        yield "Uncertain: neither side can be excluded."
    if answer.image.type_source == "detected":
        yield f"Taken for a {answer.image.type} image."
