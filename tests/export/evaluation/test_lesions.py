"""Lesions with several images are grouped, combined and measured as the service answers them."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lesion.inference.classify_lesion import classify_lesion
from lesion.inference.combine import combine, pool
from lesion.inference.model import Model, Outputs
from PIL import Image

from export.console import main
from export.data.isic import read_table
from export.data.labels import LabelledImage
from export.evaluation import metrics
from export.evaluation.lesions import group_by_lesion, image_result, lesion_metrics
from export.evaluation.predictions import Predictions, predict


def row(name: str, group: str, diagnosis: str = "nevus", dataset: str = "A") -> LabelledImage:
    return LabelledImage(name, Path(f"{name}.png"), diagnosis == "melanoma", diagnosis, dataset, group, "val")


def output(probability: float, **changed: object) -> Outputs:
    classes = np.array([0.75 * probability, 0.25 * probability, 1 - probability], np.float32)
    accepted = Outputs(probability, 0.0, classes, np.zeros((4, 4), np.float32), -1.0, 0.1, 0.0, 1.0, 0.5, 2.0)
    return replace(accepted, **changed)  # type: ignore[arg-type]


def predictions(*lesions: tuple[str, list[Outputs]]) -> Predictions:
    rows = [
        row(f"{number}-{index}", str(number), diagnosis)
        for number, (diagnosis, outputs) in enumerate(lesions)
        for index in range(len(outputs))
    ]
    return Predictions(tuple(rows), tuple(one for _, outputs in lesions for one in outputs))


def test_group_by_lesion_keeps_lesions_with_several_images() -> None:
    rows = [row("d", "one"), row("a", "one"), row("b", "single"), row("c", "one"), row("a", "one")]
    assert [image.isic_id for image in group_by_lesion(rows)] == ["a", "c", "d"]


def test_group_by_lesion_leaves_out_patients_with_several_diagnoses() -> None:
    rows = [row("a", "patient"), row("b", "patient", "melanoma"), row("c", "patient", "dermatofibroma"), row("d", "patient")]
    assert group_by_lesion(rows) == []


def test_group_by_lesion_takes_at_most_what_a_request_accepts() -> None:
    assert [image.isic_id for image in group_by_lesion([row(str(n), "one") for n in range(7)])] == list("01234")


def test_group_by_lesion_selects_datasets() -> None:
    rows = [row("a", "one"), row("b", "one"), row("c", "two", dataset="B"), row("d", "two", dataset="B")]
    assert [image.isic_id for image in group_by_lesion(rows, ["B"])] == ["c", "d"]


def test_lesion_metrics_equal_hand_calculation(stand_in: Model) -> None:
    """Single images are weighted by lesion; the combined answers rank all lesions correctly."""
    given = predictions(
        ("melanoma", [output(0.9), output(0.4), output(0.4), output(0.4)]),
        ("nevus", [output(0.45)] * 2),
        ("nevus", [output(0.1)] * 2),
    )
    found = lesion_metrics(given, stand_in.card)
    assert (found["lesions"], found["malignant"], found["images"], found["refused_images"]) == (3, 1, 8, 0)
    # A quarter of the melanoma's images are above both nevi, the others above one.
    assert found["single"]["auc"]["value"] == pytest.approx(0.25 + 0.75 / 2)
    # (9 x (2/3)^3)^(1/4) are odds of 1.277, a probability of 0.561.
    assert found["combined"]["auc"]["value"] == 1
    assert found["gain"]["auc"]["value"] == pytest.approx(0.375)
    assert (found["single"]["sensitivity"]["value"], found["combined"]["sensitivity"]["value"]) == (0.25, 1)
    expected = -np.log([*np.sqrt(np.sqrt([0.9 * 0.4**3])), 0.55, 0.9]).mean()
    assert found["single"]["log_loss"]["value"] == pytest.approx(expected, abs=1e-4)
    assert found["agreement"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert (found["agreeing_correct"]["value"], found["disagreeing_correct"]["value"]) == (1, 1)


def test_lesion_metrics_leave_refused_images_out(stand_in: Model) -> None:
    dark = {"brightness": 0.0}
    refused = predictions(
        ("melanoma", [output(0.9), output(0.01, **dark)]),
        ("nevus", [output(0.1), output(0.2)]),
        ("melanoma", [output(0.01, **dark)] * 2),
    )
    found = lesion_metrics(refused, stand_in.card)
    assert (found["lesions"], found["refused_images"], found["refused_lesions"]) == (3, 3, 1)
    assert found["single"]["auc"]["value"] == found["combined"]["auc"]["value"] == 1
    # The first lesion has one image left, which agrees with nothing.
    assert found["agreement"]["value"] == 1


def test_lesion_metrics_use_the_threshold_of_each_type(two_types: Model) -> None:
    clinical = {"image_type": "clinical"}
    pairs = predictions(
        ("melanoma", [output(0.45), output(0.35, **clinical)]), ("nevus", [output(0.45), output(0.2, **clinical)])
    )
    found = lesion_metrics(pairs, two_types.card)
    assert set(found["single_by_type"]) == {"dermoscopic", "clinical"}
    assert found["single_by_type"]["clinical"]["sensitivity"]["value"] == 1
    assert found["single_by_type"]["dermoscopic"]["sensitivity"]["value"] == 0
    results = [image_result(one, two_types.card) for one in pairs.outputs[:2]]
    assert combine(results, [True, True, False]).threshold == pool([0.5, 0.3])
    assert found["combined"]["sensitivity"]["value"] == float(pool([0.45, 0.35]) >= pool([0.5, 0.3]))


@pytest.fixture
def lesions(tmp_path: Path) -> Path:
    """Return a data folder of four lesions with two images each; the stand-in's score is the red channel."""
    reds = {"a": ("melanoma", 60, 45), "b": ("melanoma", 30, 38), "c": ("nevus", 36, 5), "d": ("nevus", 20, 10)}
    with (tmp_path / "metadata.csv").open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["isic_id", "diagnosis", "dataset", "lesion_group", "split"])
        for lesion, (diagnosis, *values) in reds.items():
            for value in values:
                name = f"{lesion}-{value}"
                Image.new("RGB", (64, 64), (value, 51, 0)).save(tmp_path / f"{name}.png")
                table.writerow([name, diagnosis, "A", lesion, "val"])
    return tmp_path


def test_combined_answers_are_those_of_the_service(lesions: Path, stand_in: Model) -> None:
    rows = group_by_lesion(read_table(lesions))
    answers = predict(stand_in, rows)
    for lesion in "abcd":
        own = [index for index, each in enumerate(rows) if each.group == lesion]
        results = [image_result(answers.outputs[index], stand_in.card) for index in own]
        combined = combine(results, [entry.malignant for entry in stand_in.card.classes])
        served = classify_lesion([rows[index].path.read_bytes() for index in own], stand_in).prediction
        assert served is not None
        assert (combined.probability, combined.logit) == (served.malignant_probability, served.logit)
        assert list(combined.prediction_set) == served.prediction_set
        assert sorted(combined.classes, reverse=True) == [entry.probability for entry in served.classes]


def test_lesions_command_prints_the_comparison(
    lesions: Path, stand_in: Model, stand_in_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lesions", "--data", str(lesions), "--model", str(stand_in_file)]) == 0
    printed = capsys.readouterr().out
    found = lesion_metrics(predict(stand_in, group_by_lesion(read_table(lesions))), stand_in.card)
    assert printed.startswith("4 lesions (2 malignant), 8 images; refused: 0 images, 0 lesions\n")
    assert f"{found['combined']['auc']['value']:.3f}" in printed and "images of a lesion agree" in printed
    single = predict(stand_in, read_table(lesions))
    auc = metrics.auc(single.scalar("probability"), single.malignant, np.ones(8))
    assert found["single"]["auc"]["value"] == pytest.approx(auc, abs=1e-4)


def test_lesions_command_requires_both_labels(
    lesions: Path, stand_in_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["lesions", "--data", str(lesions), "--model", str(stand_in_file), "--datasets", "B"]
    assert main(arguments) == 1
    assert "There are no images in `val`" in capsys.readouterr().err
