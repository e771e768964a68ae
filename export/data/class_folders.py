"""Folders named after classes: `benign/` and `malignant/`, or diagnoses, also inside of `train/`, `val/` and `test/`."""

from collections import Counter
from pathlib import Path

from export.data.image_files import image_paths, without_suffix
from export.data.labelled_image import labelled_image
from export.data.labels import LabelledImage
from export.data.layouts.own_classes import ClassMap
from export.data.layouts.plain import text_label
from export.data.splits import split_name
from export.data.summary import SourceSummary
from export.errors import DataError


def find_class_folders(folder: Path, class_map: ClassMap | None) -> tuple[list[LabelledImage], SourceSummary] | None:
    """Return the images of a folder whose folders are named after classes; None for another folder.

    Args:
        folder: contains the class folders, or folders of splits with class folders in each.
        class_map: see `export.data.layouts.plain.text_label`.

    Raises:
        DataError: some folders have names of classes and others do not, so that labels would be missing.
    """
    summary = SourceSummary(str(folder), "folders named after classes")
    images: list[LabelledImage] = []
    unknown: Counter[str] = Counter()
    dataset = folder.resolve().name
    for path in image_paths(folder):
        inner = path.relative_to(folder)
        folders = list(inner.parts[:-1])
        split = split_name(folders[0]) if len(folders) > 1 else None
        name = next(iter(folders[1:] if split else folders), "")
        summary.rows += 1
        label = text_label(name, class_map)
        if label.unknown:
            unknown[name] += 1
        elif label.malignant is None:
            summary.leave_out(label.reason)
        else:
            own = without_suffix(inner.as_posix())
            row = {"split": split} if split else {}
            images.append(labelled_image(own, path, label, row, dataset=dataset, group=own, is_mapped=class_map is not None))
    if not images:
        return None
    if unknown:
        names = ", ".join(repr(name) for name, _ in unknown.most_common(5))
        raise DataError(
            f"{folder} has folders that are named after neither a side nor a known diagnosis: {names} "
            f"({unknown.total()} images). Say with --class-map which are malignant, or move them elsewhere."
        )
    summary.used = len(images)
    return images, summary
