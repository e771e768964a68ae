"""Labelled images of one table, or of one folder with a table or with folders that are named after classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lesion.inference.card import ImageType

from export.data.class_folders import find_class_folders
from export.data.find_tables import DataOptions, LabelTable, find_label_table, unlabelled_tables
from export.data.image_files import ImageFiles
from export.data.labelled_image import labelled_image
from export.data.labels import LabelledImage
from export.data.layouts.layout import INDETERMINATE, Label, Layout
from export.data.splits import group_names, require_disjoint_splits, split_name
from export.data.summary import DUPLICATE, NO_FILE, OTHER_TYPE, SourceSummary
from export.data.text_table import Row
from export.errors import DataError

_CLINICAL_DATASETS = frozenset({"PAD-UFES-20"})
"""Data sets whose table has no column `image_type` because all images are clinical."""


@dataclass(frozen=True)
class Source:
    """The usable images of one table or folder, and what was left out."""

    images: list[LabelledImage]
    summary: SourceSummary


def read_source(path: Path, options: DataOptions) -> Source:
    """Read a table, or a folder with a table and images, or with folders that are named after classes.

    Raises:
        DataError: it cannot be read or has no usable image, one identifier has different labels, two identifiers have one
            file, a split has another name, or a group is in two splits. The message names the file, the column or the image.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist. Point --data at a folder with a table and images, or at a table.")
    table = find_label_table(path, options)
    if table is None:
        source = find_class_folders(path, options.class_map)
        if source is not None:
            return Source(*source)
        if sentences := unlabelled_tables(path, options):
            raise DataError(" ".join(sentences))
        raise DataError(
            f"{path / 'metadata.csv'} does not exist. Point --data at a folder with metadata.csv and the images, at a "
            "table, or at a folder with folders named after classes, such as benign and malignant."
        )
    return _read_rows(table, path if path.is_dir() else path.parent, options)


def _read_rows(table: LabelTable, folder: Path, options: DataOptions) -> Source:
    name, layout = str(table.table.path), table.layout
    summary = SourceSummary(name, layout.name, rows=len(table.rows))
    if table.table.encoding not in ("utf-8-sig", "utf-8"):
        summary.notes.append(f"read as {table.table.encoding}")
    if table.joined:
        summary.notes.append(f"joined with {', '.join(table.joined)}")
    labels = [layout.label(row) for row in table.rows]
    _refuse_unknown(labels, table)
    first = _first_rows(table, labels)
    files, groups = ImageFiles(folder), group_names(table.rows, table.ids)
    dataset = layout.dataset or folder.resolve().name
    images: list[LabelledImage] = []
    names: dict[Path, str] = {}
    for place, (row, own, label, group) in enumerate(zip(table.rows, table.ids, labels, groups, strict=True)):
        path = files.find(own) if own else None
        image_type, recorded = _image_type(row, layout)
        if own and first[own] != place:
            summary.leave_out(DUPLICATE)
        elif path is None:
            summary.leave_out(NO_FILE)
        elif image_type is None:
            summary.leave_out(OTHER_TYPE, recorded)
        elif label.malignant is None:
            summary.leave_out(label.reason)
        else:
            if names.setdefault(path, own) != own:
                raise DataError(
                    f"{name} has {names[path]} and {own}, and {path} is the only file for both. Add the file of the other, "
                    "or remove its row."
                )
            images.append(
                labelled_image(
                    own,
                    path,
                    label,
                    row,
                    dataset=dataset,
                    group=group,
                    is_mapped=options.class_map is not None,
                    image_type=image_type,
                )
            )
    summary.used = len(images)
    if not images:
        raise DataError(_nothing_usable(table, summary, files))
    require_disjoint_splits(images, name)
    return Source(images, summary)


def _image_type(row: Row, layout: Layout) -> tuple[ImageType | None, str]:
    """Return the type of an image, None for one that is not used, and the recorded text."""
    text = row.get("image_type", "")
    if not text:
        return "clinical" if row.get("dataset") in _CLINICAL_DATASETS else layout.image_type, ""
    return layout.image_types.get(text.lower()), text


def _refuse_unknown(labels: Sequence[Label], table: LabelTable) -> None:
    unknown = [(own, label.unknown) for own, label in zip(table.ids, labels, strict=True) if label.unknown]
    if unknown:
        texts = list(dict.fromkeys(text for _, text in unknown))
        more = f" and {len(texts) - 5} more" if len(texts) > 5 else ""
        raise DataError(
            f"{table.table.path} has labels that are neither malignant nor benign nor a known diagnosis: "
            f"{', '.join(map(repr, texts[:5]))}{more} ({len(unknown)} rows, the first is {unknown[0][0]}). Say with "
            f"--class-map which are malignant. {table.table.columns_found()}"
        )


def _first_rows(table: LabelTable, labels: Sequence[Label]) -> dict[str, int]:
    """Return identifier -> row that counts: the first, or the first with a diagnosis.

    Raises:
        DataError: rows of one identifier have different labels, groups, splits or image types.
    """
    places: dict[str, list[int]] = {}
    for place, own in enumerate(table.ids):
        places.setdefault(own, []).append(place)
    chosen = {}
    for own, repeated in places.items():
        chosen[own] = max(
            repeated, key=lambda place: (labels[place].diagnosis != "", labels[place].malignant is not None, -place)
        )
        if own and len(repeated) > 1:
            _refuse_contradiction(
                own, [table.rows[place] for place in repeated], [labels[place] for place in repeated], table
            )
    return chosen


def _refuse_contradiction(own: str, rows: Sequence[Row], labels: Sequence[Label], table: LabelTable) -> None:
    said = {_text(label) for label in labels if label.malignant is not None or label.reason == INDETERMINATE}
    sides = {label.malignant for label in labels if label.malignant is not None}
    diagnoses = {label.diagnosis for label in labels if label.diagnosis}
    indeterminate = any(label.reason == INDETERMINATE for label in labels)
    if len(sides) > 1 or len(diagnoses) > 1 or (sides and indeterminate):
        raise DataError(f"{table.table.path} has {own} with different labels: {', '.join(sorted(said))}. Keep one.")
    for column in ("lesion_group", "lesion_id", "patient_id", "patient", "split", "image_type"):
        values = {row[column] for row in rows if row.get(column)}
        if column == "split":
            values = {split_name(text) or text for text in values}
        if len(values) > 1:
            raise DataError(
                f"{table.table.path} has {own} twice with different values of {column}: "
                f"{', '.join(sorted(values))}. Keep one."
            )


def _text(label: Label) -> str:
    if label.malignant is None:
        return label.reason
    return label.diagnosis or ("malignant" if label.malignant else "benign")


def _nothing_usable(table: LabelTable, summary: SourceSummary, files: ImageFiles) -> str:
    where = f"Below {files.folder} are {files.count} images."
    example = next((own for own in table.ids if own), "")
    if summary.left_out.get(NO_FILE) and example:
        where += f" A row of the table names {example}."
    return (
        f"{table.table.path} has no row with a usable label and an image file: {summary.rows} rows, {summary.reasons()}. "
        f"{where} {table.table.columns_found()}"
    )
