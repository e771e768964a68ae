"""Images outside of the training images' illuminants are corrected, and others stay unchanged."""

from pathlib import Path

import pytest
import torch
from lesion.inference.model import Model

from export.checkpoints.reader import read_checkpoint, read_own_checkpoint
from export.commands import convert, white_balance
from export.data.labels import LabelledImage
from export.data.transforms import STORED_SIDE, load_squares
from export.nn.averaging import average_weights
from export.nn.white_balance import IlluminantModel, WhiteBalance, estimate_illuminant, fit_illuminant_model
from tests.support.small_training import conversion_options

LIGHT = IlluminantModel(centre=(0.2, -0.1), precision=(100.0, -30.0, 60.0), radius=1.0)


def lit(red: float, blue: float) -> torch.Tensor:
    """Return an image with these log(red / green) and log(blue / green), (1, 3, 8, 8)."""
    shades = torch.linspace(0.2, 0.6, 64).reshape(1, 1, 8, 8)
    return shades * torch.exp(torch.tensor((red, 0.0, blue))).view(1, 3, 1, 1)


def distance(images: torch.Tensor) -> torch.Tensor:
    away = estimate_illuminant(images) - torch.tensor(LIGHT.centre)
    red, both, blue = LIGHT.precision
    precision = torch.tensor(((red, both), (both, blue)))
    return torch.einsum("ni,ij,nj->n", away, precision, away).sqrt()


@pytest.mark.parametrize("away", [(0.0, 0.0), (0.05, 0.0), (-0.03, 0.04)])
def test_white_balance_keeps_images_within_the_radius(away: tuple[float, float]) -> None:
    images = lit(LIGHT.centre[0] + away[0], LIGHT.centre[1] + away[1])
    assert distance(images) < 1
    torch.testing.assert_close(WhiteBalance(LIGHT)(images), images)


@pytest.mark.parametrize("away", [(0.4, 0.0), (-0.5, 0.3), (0.1, -0.6)])
def test_white_balance_moves_outliers_to_the_radius(away: tuple[float, float]) -> None:
    images = lit(LIGHT.centre[0] + away[0], LIGHT.centre[1] + away[1])
    assert distance(images) > 2
    found = WhiteBalance(LIGHT)(images)
    torch.testing.assert_close(distance(found), torch.ones(1), rtol=0.02, atol=0)
    # The shift is the shortest, towards the centre, and keeps the brightness.
    line = estimate_illuminant(found) - torch.tensor(LIGHT.centre)
    torch.testing.assert_close(line / line.norm(), torch.tensor([away]) / torch.tensor(away).norm(), rtol=0.02, atol=0.02)
    torch.testing.assert_close(found.log().mean((1, 2, 3)), images.log().mean((1, 2, 3)), rtol=0, atol=1e-4)


def test_white_balance_of_a_black_image_is_finite() -> None:
    assert WhiteBalance(LIGHT)(torch.zeros(1, 3, 8, 8)).isfinite().all()


def test_fit_illuminant_model_equals_mean_and_covariance(rows: list[LabelledImage]) -> None:
    light = fit_illuminant_model(load_squares(rows, STORED_SIDE), 1.5)
    colours = estimate_illuminant(load_squares(rows, STORED_SIDE).float() / 255)
    assert light.radius == 1.5
    assert light.centre == pytest.approx(colours.mean(0).tolist(), abs=1e-5)
    red, both, blue = light.precision
    product = torch.tensor(((red, both), (both, blue))) @ torch.cov(colours.T)
    torch.testing.assert_close(product, torch.eye(2), rtol=0, atol=1e-3)


@pytest.mark.slow
def test_convert_keeps_the_white_balance(checkpoint: Path, converted: Path, archive: Path, tmp_path: Path) -> None:
    given = [str(checkpoint), "--data", str(archive), "--radius", "0.5", "--out", str(tmp_path / "balanced")]
    white_balance.main(white_balance.options().parse_args(given))
    balanced = tmp_path / "balanced" / "checkpoint.pt"
    light = read_checkpoint(balanced).network.spec.illuminant
    assert light is not None and light.radius == 0.5

    out = tmp_path / "lesion.onnx"
    # `convert` writes a model file only if it agrees with PyTorch on real images.
    convert.main(conversion_options(balanced, archive, out))
    assert read_checkpoint(out).network.spec.illuminant == light
    image = lit(0.9, -0.4)[0].permute(1, 2, 0).mul(255).clamp(0, 255).byte().numpy()
    assert abs(Model(out).run(image).logit - Model(converted).run(image).logit) > 1e-3


def test_average_weights_ignores_white_balance(checkpoint: Path, archive: Path, tmp_path: Path) -> None:
    given = [str(checkpoint), "--data", str(archive), "--out", str(tmp_path)]
    white_balance.main(white_balance.options().parse_args(given))
    (_, balanced), (_, plain) = (
        read_own_checkpoint(tmp_path / "checkpoint.pt"),
        read_own_checkpoint(checkpoint),
    )
    assert average_weights(balanced, [plain], 0.5).spec == plain.spec
