"""Folders named after classes: `benign/` and `malignant/`, or diagnoses, also inside of `train/`, `val/` and `test/`."""

from collections import Counter
from pathlib import Path

from export.data.image_files import image_paths, without_suffix
from export.data.labels import LabelledImage
from export.data.layouts.own_classes import ClassMap
from export.data.layouts.plain import text_label
from export.data.splits import assign_split
from export.data.summary import SourceSummary
from export.errors import DataError

_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Name of a folder in lower case -> split."""


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
    for path in image_paths(folder):
        inner = path.relative_to(folder)
        folders = list(inner.parts[:-1])
        split = _SPLITS.get(folders[0].lower(), "") if len(folders) > 1 else ""
        name = next(iter(folders[1:] if split else folders), "")
        summary.rows += 1
        label = text_label(name, class_map)
        if label.unknown:
            unknown[name] += 1
        elif label.malignant is None:
            summary.leave_out(label.reason)
        else:
            own = without_suffix(inner.as_posix())
            images.append(
                LabelledImage(
                    own,
                    path,
                    label.malignant,
                    label.diagnosis,
                    folder.resolve().name,
                    own,
                    split=split or assign_split(own),
                    is_mapped=class_map is not None,
                )
            )
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
