"""Figures of a data set that was left out: nothing of it is fitted on, and they are those of its own images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lesion.inference.card import ImageType

from export.data.labels import LabelledImage
from export.evaluation.leave_source_out import (
    Scored,
    datasets_to_leave_out,
    folder_name,
    rows_of,
    rows_without,
    unseen_figures,
)


def scored(
    count: int,
    seed: int,
    *,
    dataset: str = "common",
    split: str = "val",
    image_type: ImageType = "dermoscopic",
    factor: float = 1.0,
) -> Scored:
    """Return images of one data set whose malignancy is drawn with the log-odds `logit / factor`."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 2, count)
    malignant = rng.random(count) < 1 / (1 + np.exp(-odds))
    rows = [
        LabelledImage(
            f"{dataset}-{seed}-{place}", Path("none"), bool(label), "", dataset, f"{dataset}-{seed}-{place}", split
        )
        for place, label in enumerate(malignant)
    ]
    return Scored([replace(row, image_type=image_type) for row in rows], factor * odds)


def test_unseen_images_show_the_error_of_a_calibration_for_others() -> None:
    others = scored(3000, 1)
    alike = unseen_figures(others, scored(2000, 2), scored(500, 3))["common, dermoscopic"]
    assert alike["n"] == 2000
    assert alike["calibration_slope"]["value"] == pytest.approx(1, abs=0.1)
    assert alike["calibration_error"]["value"] < 0.03
    assert min(side["value"] for side in alike["coverage"].values()) > 0.87
    # Logits of twice the size say more than they know.
    extreme = unseen_figures(others, scored(2000, 2, factor=2), scored(500, 3))["common, dermoscopic"]
    assert extreme["auc"] == alike["auc"]
    assert extreme["calibration_slope"]["value"] == pytest.approx(0.5, abs=0.05)
    assert extreme["calibration_error"]["value"] > 0.06


def test_each_image_type_has_its_own_calibration_and_figures() -> None:
    parts = [scored(1000, 1), scored(1000, 2, image_type="clinical", factor=0.25)]
    both = Scored([row for part in parts for row in part.rows], np.concatenate([part.logit for part in parts]))
    figures = unseen_figures(both, both, both)
    assert list(figures) == ["common, clinical", "common, dermoscopic"]
    for part in figures.values():
        assert part["n"] == part["val"]["n"] == 1000
        assert part["calibration_slope"]["value"] == pytest.approx(1, abs=0.05)
        assert part["val"]["unseen"] == part["val"]["seen"] == part["auc"]


def test_val_of_both_networks_is_compared() -> None:
    train, val = scored(300, 1, split="train"), scored(200, 2)
    unseen = Scored([*train.rows, *val.rows], np.concatenate((train.logit, -val.logit)))
    part = unseen_figures(scored(1000, 3), unseen, val)["common, dermoscopic"]
    assert (part["n"], part["val"]["n"]) == (500, 200)
    assert part["val"]["unseen"]["value"] == pytest.approx(1 - part["val"]["seen"]["value"])


def test_only_data_sets_that_others_can_stand_in_for_are_left_out() -> None:
    parts = [
        scored(100, 1, dataset="a"),
        scored(100, 2, dataset="b"),
        scored(12, 3, dataset="few"),
        scored(100, 4, dataset="train only", split="train"),
        scored(100, 5, dataset="clinic", image_type="clinical"),
    ]
    rows = [row for part in parts for row in part.rows]
    assert datasets_to_leave_out(rows) == ["a", "b"]
    another = scored(100, 6, dataset="phone", image_type="clinical")
    assert datasets_to_leave_out([*rows, *another.rows]) == ["a", "b", "clinic", "phone"]


def test_lesions_that_a_data_set_shows_as_well_are_left_out_with_it() -> None:
    rows = [*scored(3, 1, dataset="a").rows, *scored(3, 2, dataset="b", split="test").rows]
    rows.append(replace(rows[0], dataset="b", image_type="clinical"))
    assert rows_without(rows, "b") == rows[1:3]
    assert rows_of(rows, "b") == rows[-1:], "`test` takes no part"


def test_folder_name_is_one_folder() -> None:
    assert folder_name("ISIC archive/2") == "without-ISIC-archive-2"
