"""Recalibration fits calibration, threshold and sets to own images; network, refusal limits and the old file stay."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from lesion.inference.model import Model

from export.console import main
from export.data.tables import read_table
from export.evaluation.predictions import predict
from export.evaluation.recalibration import MIN_IMAGES
from tests.support.calibrated_stand_in import INTERCEPT, SLOPE, build_calibrated, write_labelled_images
from tests.support.stand_in_model import build


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labelled_images(tmp_path_factory.mktemp("clinic"), 160)


def recalibrated(model: Path, data: Path, out: Path, *more: str) -> int:
    return main(["recalibrate", "--model", str(model), "--data", str(data), "--out", str(out), *more])


@pytest.mark.parametrize(
    "image_types",
    [(), pytest.param(("dermoscopic",), marks=pytest.mark.slow), ("dermoscopic", "clinical")],
)
def test_recalibrate_fits_what_the_images_say(clinic: Path, tmp_path: Path, image_types: tuple[str, ...]) -> None:
    source, out = build_calibrated(tmp_path / "old.onnx", *image_types), tmp_path / "new" / "lesion.onnx"
    before = source.read_bytes()
    assert recalibrated(source, clinic, out) == 0
    assert source.read_bytes() == before
    old, new, rows = Model(source), Model(out), read_table(clinic)
    assert new.card.version == "stand-in+recalibrated" and new.card.format == old.card.format
    numbers = (1,) if not image_types else (1, 8)
    for views in numbers:
        one, other = (predict(model, rows, views=views, image_types="recorded") for model in (old, new))
        logit = other.scalar("logit")
        assert np.array_equal(one.scalar("logit"), logit)
        truth = 1 / (1 + np.exp(-(SLOPE * logit + INTERCEPT)))
        # 160 images tell the slope only roughly; the sigmoid alone is further away.
        assert np.abs(other.scalar("probability") - truth).mean() < 0.08 < np.abs(one.scalar("probability") - truth).mean()
        above = other.above_threshold(new.card)
        assert above[other.malignant].mean() >= 0.93
        assert new.card.point("dermoscopic", views).refusal == old.card.point("dermoscopic", views).refusal
        assert all(output.classes.sum() == pytest.approx(1, abs=1e-5) for output in other.outputs)
    if len(image_types) == 2:
        assert new.card.operating_points["clinical"] == old.card.operating_points["clinical"]


def test_recalibrate_writes_both_versions_into_the_card(clinic: Path, tmp_path: Path) -> None:
    source, out = build_calibrated(tmp_path / "old.onnx"), tmp_path / "new" / "lesion.onnx"
    assert recalibrated(source, clinic, out, "--version", "2.0.0-clinic") == 0
    model = Model(out)
    recorded = model.card.about["recalibration"]
    assert (recorded["images"], recorded["sha256"]) == (160, Model(source).sha256)
    change = recorded["points"]["dermoscopic"]["1"]
    assert change["log_loss_after"]["value"] < change["log_loss_before"]["value"]
    assert change["log_loss_change"]["value"] == pytest.approx(
        change["log_loss_after"]["value"] - change["log_loss_before"]["value"], abs=2e-4
    )
    # What the service shows for the new threshold.
    assert model.card.about["metrics"]["test"]["all"]["sensitivity"] == change["after"]["sensitivity"]
    card = (out.parent / "README.md").read_text()
    for text in ("2.0.0-clinic", "cross-validated", f"{change['before']['auc']['value']:.3f}", "Clinic, dermoscopic 160"):
        assert text in card
    assert f"{change['after']['sensitivity']['value']:.3f}" in card


def test_recalibrate_figures_are_cross_validated(clinic: Path, tmp_path: Path) -> None:
    """The figures of the card are worse than those of the new file on the images to which it was fitted."""
    source, out = build_calibrated(tmp_path / "old.onnx"), tmp_path / "new" / "lesion.onnx"
    assert recalibrated(source, clinic, out) == 0
    model = Model(out)
    predictions = predict(model, read_table(clinic))
    right = np.where(predictions.malignant, predictions.scalar("probability"), 1 - predictions.scalar("probability"))
    change = model.card.about["recalibration"]["points"]["dermoscopic"]["1"]
    assert change["log_loss_after"]["value"] > -np.log(right).mean()


@pytest.mark.parametrize("count", [40, MIN_IMAGES - 1])
def test_recalibrate_refuses_few_images(tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int) -> None:
    source = build_calibrated(tmp_path / "old.onnx")
    data = write_labelled_images(tmp_path / "few", count)
    assert recalibrated(source, data, tmp_path / "new" / "lesion.onnx") == 1
    assert "Needed are 100 images, and 20 lesions of each side." in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_recalibrate_fits_the_least_number_of_images(clinic: Path, tmp_path: Path) -> None:
    """Exactly 100 images, of which 20 lesions are of the smaller side."""
    header, *lines = (clinic / "metadata.csv").read_text().splitlines()
    own = [",".join([*line.split(",")[:3], f"own-{number}", "dermoscopic"]) for number, line in enumerate(lines)]
    sides = {side: [line for line in own if f",{side}," in line] for side in ("malignant", "benign")}
    smaller, larger = sorted(sides.values(), key=len)
    for count, status in ((20, 0), (19, 1)):
        (clinic / f"least-{count}.csv").write_text("\n".join([header, *smaller[:count], *larger[: 100 - count]]) + "\n")
        out = tmp_path / str(count) / "lesion.onnx"
        assert recalibrated(build_calibrated(tmp_path / f"{count}.onnx"), clinic / f"least-{count}.csv", out) == status
        assert out.exists() == (status == 0)
        (clinic / f"least-{count}.csv").unlink()


def test_recalibrate_names_what_is_wrong(clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exchanged labels, and images of a type that the model lacks."""
    source, text = build_calibrated(tmp_path / "old.onnx"), (clinic / "metadata.csv").read_text()
    exchanged = text.replace(",malignant,", ",other,").replace(",benign,", ",malignant,").replace(",other,", ",benign,")
    for name, own, said in (
        ("exchanged", exchanged, "Are their labels right, and malignant and benign not exchanged?"),
        ("clinical", text.replace(",dermoscopic\n", ",clinical\n"), "no operating point for the 160 clinical images."),
    ):
        (clinic / f"{name}.csv").write_text(own)
        assert recalibrated(source, clinic / f"{name}.csv", tmp_path / name / "lesion.onnx") == 1
        (clinic / f"{name}.csv").unlink()
        [line] = [line for line in capsys.readouterr().err.splitlines() if said in line]
        assert "--classes" not in line and not (tmp_path / name).exists()


def test_recalibrate_refuses_one_side(clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (clinic / "metadata.csv").read_text().splitlines()
    malignant = [line for line in lines if ",malignant," in line]
    # The images of others count as benign, so that there are enough in all.
    turned = [line.replace(",malignant,", ",benign,").replace(",dermoscopic-1-", ",other-1-") for line in malignant[5:]]
    kept = [line for line in lines if ",malignant," not in line]
    (clinic / "one-sided.csv").write_text("\n".join([*kept, *malignant[:5], *turned]) + "\n")
    assert (
        recalibrated(build_calibrated(tmp_path / "old.onnx"), clinic / "one-sided.csv", tmp_path / "new" / "new.onnx") == 1
    )
    (clinic / "one-sided.csv").unlink()
    assert "20 lesions of each side" in capsys.readouterr().err


def test_recalibrate_refuses_other_graphs_and_places(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = build(tmp_path / "old.onnx")
    assert recalibrated(plain, clinic, tmp_path / "new" / "lesion.onnx") == 1
    assert "no parameters `below`, `above` and `intercept`" in capsys.readouterr().err
    assert recalibrated(plain, clinic, plain) == 1
    assert "--out is the model file itself" in capsys.readouterr().err
    onnx.load(plain)
