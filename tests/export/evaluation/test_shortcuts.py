"""Shortcuts are found where the data have them, and not where they have none."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from export.arrays import Array
from export.data.labels import LabelledImage
from export.errors import DataError
from export.evaluation.shortcuts import border_and_file, shortcut_report


def write_rows(folder: Path, *, bordered: bool) -> list[LabelledImage]:
    """Return 240 noise images of two sources; source `a` is mostly benign, and malignant images may have a dark border."""
    rng, rows = np.random.default_rng(1), []
    for number in range(240):
        source, split = ("a", "b")[number % 2], ("train", "val")[number // 120]
        malignant = bool(rng.random() < (0.2 if source == "a" else 0.8))
        pixels = rng.integers(100, 140, (40, 40, 3), np.uint8)
        if bordered and malignant:
            pixels[[0, 1, -2, -1]] = pixels[:, [0, 1, -2, -1]] = 0
        path = folder / f"{number}.bmp"
        Image.fromarray(pixels).save(path)
        rows.append(LabelledImage(str(number), path, malignant, "", source, str(number), split))
    return rows


def equal(rows: Sequence[LabelledImage]) -> Array:
    """Return weights with which both sides of each source count alike."""
    sides = [(row.source, row.malignant) for row in rows]
    return np.array([1 / sides.count(side) for side in sides])


def test_border_tells_the_label_where_it_does(tmp_path: Path) -> None:
    report = shortcut_report(write_rows(tmp_path, bordered=True), equal)
    assert report["border_and_file"]["value"] > 0.99
    assert report["by_source"]["a dermoscopic"]["border_and_file"]["value"] > 0.95
    assert report["by_source"]["a dermoscopic"]["n"] == 60


def test_only_the_source_tells_the_label_of_noise(tmp_path: Path) -> None:
    report = shortcut_report(write_rows(tmp_path, bordered=False), equal)
    assert report["source"]["value"] == pytest.approx(0.8, abs=0.06)
    assert report["source_as_drawn"]["value"] == pytest.approx(0.5, abs=1e-6)
    assert report["border_and_file"]["low"] < 0.5 < report["border_and_file"]["high"]


def test_small_sources_have_no_figure(tmp_path: Path) -> None:
    rows = write_rows(tmp_path, bordered=False)
    few = [row for row in rows if row.dataset == "b" or int(row.isic_id) % 8 == 0]
    assert list(shortcut_report(few, equal)["by_source"]) == ["b dermoscopic"]


def test_border_and_file_returns_colour_and_size(tmp_path: Path) -> None:
    Image.new("RGB", (50, 30), (10, 20, 30)).save(tmp_path / "a.png")
    values = border_and_file(LabelledImage("a", tmp_path / "a.png", True, "", "a", "a", "val"))
    assert values == [10, 20, 30, 0, 0, 0, (tmp_path / "a.png").stat().st_size, 50, 30]


def test_unreadable_image_and_one_side_are_data_errors(tmp_path: Path) -> None:
    rows = write_rows(tmp_path, bordered=False)
    with pytest.raises(DataError, match="no benign images"):
        shortcut_report([row for row in rows if row.malignant], equal)
    rows[0].path.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"0\.bmp cannot be read"):
        shortcut_report(rows, equal)
