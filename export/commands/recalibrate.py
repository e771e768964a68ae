"""Fit calibration, threshold and prediction sets of a model file to own images; the network and the file stay.

    python -m export recalibrate --model lesion.onnx --data clinic.csv --out runs/clinic/lesion.onnx

Needs 100 labelled images of an image type, and 20 lesions of each side; refuses with fewer. Writes a new model file and,
beside it, a model card with the figures of both versions on these images, those of the new one cross-validated by lesion
group. Use images that the model was not trained on, and evaluate the new file on others. Refusal limits stay.
"""

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from lesion.inference.card import VIEWS, ImageType
from lesion.inference.model import Model

from export.arrays import Figures
from export.commands.consent import confirm_replacement
from export.commands.options import data_option, model_option, parser_of, read_labelled_data, yes_option
from export.commands.output_path import require_file
from export.data.labels import LabelledImage, fingerprint
from export.data.splits import SPLITS
from export.errors import DataError, ParityError, ReportError
from export.evaluation.operating_point import calibrations, points_metadata
from export.evaluation.predictions import Predictions, predict
from export.evaluation.recalibration import Recalibration, recalibrate, require_enough, with_points
from export.evaluation.split_report import split_report
from export.graph.metadata import write_metadata
from export.graph.model_file import load_model
from export.graph.recalibrate import replace_calibrations
from export.reporting.formatting import format_interval
from export.reporting.recalibration_card import render_recalibration_card
from export.reporting.writer import check_model_folder

Fits = dict[ImageType, dict[int, Recalibration]]
"""Image type -> number of views -> new operating point."""


def options() -> argparse.ArgumentParser:
    """Return the parser of `python -m export recalibrate`."""
    parser = parser_of(__doc__, data_option("all labelled rows are fitted to"), model_option(), yes_option())
    parser.add_argument("--out", type=Path, required=True, help="model file to write, in a folder of its own")
    parser.add_argument("--split", choices=SPLITS, help="fit only to the images of this split")
    parser.add_argument("--version", help="of the new model (default: that of the old one with +recalibrated)")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export recalibrate`.

    Raises:
        ClassesError: malignant images have lower logits than benign ones, beyond chance.
        DataError: a table cannot be read, there are too few images, or the file's calibration cannot be replaced.
        ModelFileError: the model file cannot be read.
        ParityError: the new file does not answer as computed; nothing is written then.
        ReportError: `--out` is the model file or cannot be written, or its folder contains files that would be overwritten.
    """
    if args.out.resolve() == args.model.resolve():
        raise ReportError("--out is the model file itself. Name another one, in a folder of its own.")
    model = Model(args.model)
    require_file(args.out)
    check_model_folder(args.out)
    confirm_replacement([args.out, args.out.parent / "README.md"], yes=args.yes)
    data = read_labelled_data(args)
    rows = [row for row in data.rows if args.split in (None, row.split)]
    fits = fit(model, rows)
    used = [row for row in rows if row.image_type in fits]
    description = describe(model, fits, used, data.summary.json())
    description["version"] = args.version or f"{model.card.version}+recalibrated"
    written = recalibrated_file(args.model, model, fits, description)
    new = load_model(written)
    check(model, new, fits, used)
    page = render_recalibration_card(new, args.out.name)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    part = args.out.with_suffix(".part")
    part.write_bytes(written)
    part.replace(args.out)
    (args.out.parent / "README.md").write_text(page)
    show(fits)
    print(f"{args.out}: model {description['version']}; figures of both versions in {args.out.parent / 'README.md'}")


def fit(model: Model, rows: list[LabelledImage]) -> Fits:
    """Return the new operating points of the image types that have enough images.

    Args:
        model: the model file.
        rows: labelled images; those of types that the model lacks are not used.

    Raises:
        DataError: no type has enough images.
    """
    fits: Fits = {}
    problems = []
    for image_type in model.card.image_types:
        own = [row for row in rows if row.image_type == image_type]
        # Labels alone tell whether there are enough, before the model runs.
        labelled = Predictions(tuple(own), ())
        try:
            require_enough(labelled, image_type)
        except DataError as error:
            problems.append(str(error))
            continue
        # The one point of format 1 holds for all numbers of views, and was fitted with one.
        numbers = VIEWS[:1] if model.card.format == "1" else VIEWS
        by_views = {views: predict(model, own, views=views, image_types="recorded") for views in numbers}
        fits[image_type] = {views: recalibrate(one, model.card, image_type) for views, one in by_views.items()}
    if not fits:
        others = Counter(row.image_type for row in rows if row.image_type not in model.card.image_types)
        unused = (f"The model has no operating point for the {count} {name} images." for name, count in others.items())
        raise DataError(" ".join([*problems, *unused]))
    for problem in problems:
        print(f"Not refitted. {problem}")
    return fits


def describe(model: Model, fits: Fits, rows: list[LabelledImage], data: Figures) -> Figures:
    """Return the metadata of the new file: the figures of both versions, and cross-validated ones in place of the old."""
    first = next(iter(fits.values()))
    card = model.card
    # Until another release they are what the page and the API show for the new threshold.
    report = split_report(_joined(fits, 1), _joined(fits, 8) if 8 in first else None, card)
    return {
        "metrics": {"test": report},
        "recalibration": {
            "version": card.version,
            "sha256": model.sha256,
            "images": len(rows),
            "malignant": sum(row.malignant for row in rows),
            "groups": len({row.group for row in rows}),
            "data_sha256": fingerprint(rows),
            "data": data,
            "points": {
                image_type: {str(views): one.change for views, one in by_views.items()}
                for image_type, by_views in fits.items()
            },
            "unchanged": [image_type for image_type in card.image_types if image_type not in fits],
        },
    }


def _joined(fits: Fits, views: int) -> Predictions:
    parts = [by_views[views].cross_validated for by_views in fits.values()]
    return Predictions(
        tuple(row for part in parts for row in part.rows),
        tuple(output for part in parts for output in part.outputs),
        tuple(card for part in parts for card in part.cards or ()),
    )


def recalibrated_file(path: Path, model: Model, fits: Fits, description: Figures) -> bytes:
    """Return the new model file.

    Args:
        path: the old one.
        model: the same, loaded.
        fits: new operating points.
        description: further metadata.
    """
    proto, card = onnx.load(path), model.card
    points = {image_type: {views: one.point for views, one in by_views.items()} for image_type, by_views in fits.items()}
    replace_calibrations(proto, card, calibrations(points))
    fitted = points_metadata(points)["operating_points"]
    if card.format == "1":
        point = fitted[card.image_types[0]]["1"]
        sets = point["prediction_sets"]
        # Format 1 has one coverage for both sides.
        point["prediction_sets"] = {**sets, "coverage": min(sets["coverage"].values())}
        values = {key: point[key] for key in ("calibration", "threshold", "prediction_sets")}
    else:
        old = _metadata_of(proto)["operating_points"]
        values = {"operating_points": {name: {**by_views, **fitted.get(name, {})} for name, by_views in old.items()}}
    write_metadata(proto, description | values)
    return bytes(proto.SerializeToString(deterministic=True))


def _metadata_of(proto: onnx.ModelProto) -> Mapping[str, Figures]:
    return {entry.key: json.loads(entry.value) for entry in proto.metadata_props}


def check(old: Model, new: Model, fits: Fits, rows: list[LabelledImage], count: int = 8) -> None:
    """Check that the new file has the same network, and the probabilities and limits that were fitted.

    Raises:
        ParityError: it has not.
    """
    expected = with_points(
        old.card, {name: {views: one.point for views, one in part.items()} for name, part in fits.items()}
    )
    chosen = [rows[int(place)] for place in np.linspace(0, len(rows) - 1, count)]
    for views in next(iter(fits.values())):
        before, after = (predict(one, chosen, views=views, image_types="recorded") for one in (old, new))
        for row, one, other in zip(chosen, before.outputs, after.outputs, strict=True):
            point = fits[row.image_type][views].point
            probability = float(point.calibration.apply(np.array([one.logit]))[0])
            if one.logit != other.logit or abs(probability - other.probability) > 1e-4:
                raise ParityError(
                    f"The recalibrated file answers {row.isic_id} otherwise than computed: nothing was written."
                )
            limits = new.card.point(row.image_type, views)
            if abs(limits.threshold - expected.point(row.image_type, views).threshold) > 1e-9:
                raise ParityError("The recalibrated file has another threshold than was fitted: nothing was written.")


def show(fits: Fits) -> None:
    """Print the figures of both versions."""
    for image_type, by_views in fits.items():
        for views, one in by_views.items():
            change: Figures = {**one.change}
            print(f"{image_type}, {views} view(s), {change['before']['n']} images: before -> after, cross-validated")
            for name in ("auc", "sensitivity", "specificity", "calibration_error"):
                before, after = (change[version][name] for version in ("before", "after"))
                print(f"  {name:18} {format_interval(before)} -> {format_interval(after)}")
