"""Averages of weights lie between a network and those trained from it."""

from pathlib import Path

import pytest
import torch

from export.checkpoints.reader import read_checkpoint
from export.checkpoints.recipe import Phase
from export.checkpoints.writer import file_sha256
from export.commands import average_weights, train
from export.errors import CheckpointError
from export.reporting.card_training import describe_recipes
from tests.support.paths import REPOSITORY
from tests.support.small_training import training_options


@pytest.fixture(scope="module")
def tuned(archive: Path, converted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a checkpoint that starts from the small network's model file."""
    options = training_options(archive, tmp_path_factory.mktemp("tuned"))
    options.start, options.phases = converted, [Phase(64, 1, 4)]
    train.main(options)
    return Path(options.out) / "checkpoint.pt"


@pytest.fixture(scope="module")
def other(archive: Path, converted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a second one, with another seed."""
    options = training_options(archive, tmp_path_factory.mktemp("other"))
    options.start, options.phases, options.seed = converted, [Phase(64, 1, 4)], 2
    train.main(options)
    return Path(options.out) / "checkpoint.pt"


def blended(start: Path, tuned: Path, share: float, archive: Path, out: Path, *more: Path) -> dict[str, torch.Tensor]:
    """Run `python -m export blend` and return the weights of its checkpoint."""
    given = [str(start), str(tuned), *map(str, more), "--share", str(share), "--data", str(archive), "--out", str(out)]
    # The command refuses a folder that is used.
    (out / "checkpoint.pt").unlink(missing_ok=True)
    average_weights.main(average_weights.options().parse_args(given))
    return read_checkpoint(out / "checkpoint.pt").network.state_dict()


def test_blend_of_share_zero_or_one_is_one_network(archive: Path, converted: Path, tuned: Path, tmp_path: Path) -> None:
    images = torch.rand(3, 3, 96, 96)
    start, end = (read_checkpoint(path).network for path in (converted, tuned))
    for share, network in ((0.0, start), (1.0, end)):
        blended(converted, tuned, share, archive, tmp_path)
        with torch.inference_mode():
            logit = read_checkpoint(tmp_path / "checkpoint.pt").network(images)[0]
            torch.testing.assert_close(logit, network(images)[0], rtol=0, atol=1e-3)


def test_blend_interpolates_every_weight(archive: Path, converted: Path, tuned: Path, tmp_path: Path) -> None:
    first, middle, last = (blended(converted, tuned, share, archive, tmp_path) for share in (0.0, 0.25, 1.0))
    for name, value in middle.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.75 * first[name] + 0.25 * last[name])
    recipe = read_checkpoint(tmp_path / "checkpoint.pt").provenance["recipe"]
    assert recipe["blended"] == 1.0 and recipe["start"] == file_sha256(converted)


def test_blend_averages_several_networks(archive: Path, converted: Path, tuned: Path, other: Path, tmp_path: Path) -> None:
    first, one, two = (
        blended(converted, end, share, archive, tmp_path) for end, share in ((tuned, 0.0), (tuned, 1.0), (other, 1.0))
    )
    for name, value in blended(converted, tuned, 0.6, archive, tmp_path, other).items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.4 * first[name] + 0.3 * one[name] + 0.3 * two[name])
    recipe = read_checkpoint(tmp_path / "checkpoint.pt").provenance["recipe"]
    assert recipe["seed"] == 1 and [more["seed"] for more in recipe["blended_with"]] == [2]
    described = describe_recipes({"recipe": recipe}, "")
    assert (
        "20% squashed" in described
        and "seed 1" in described
        and "network B: " in described
        and "seed 2" in described
        and "balanced over data sets" in described
        and "mixup" not in described
        and "Minkowski" not in described
        and "interpolated 60% of the way from that start to the mean of these 2 networks" in described
    )


def test_blend_accepts_a_chain_of_trainings(archive: Path, converted: Path, tuned: Path, tmp_path: Path) -> None:
    options = training_options(archive, tmp_path / "further")
    options.start, options.phases = tuned, [Phase(64, 1, 4)]
    train.main(options)
    further = options.out / "checkpoint.pt"
    ends = ((converted, tuned, 0.0), (converted, tuned, 1.0), (tuned, further, 1.0))
    first, one, two = (blended(start, end, share, archive, tmp_path) for start, end, share in ends)
    for name, value in blended(converted, tuned, 0.5, archive, tmp_path, further).items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.5 * first[name] + 0.25 * one[name] + 0.25 * two[name])
    with pytest.raises(CheckpointError, match="was not started from"):
        blended(converted, further, 0.5, archive, tmp_path)


def test_blend_reads_its_network_from_a_file_of_several_with_fewer_classes(archive: Path, tmp_path: Path) -> None:
    released = REPOSITORY / "models" / "lesion.onnx"
    options = training_options(archive, tmp_path / "tuned")
    options.start, options.arch, options.phases = released, "tf_efficientnet_lite0", [Phase(64, 1, 4)]
    train.main(options)
    tuned = options.out / "checkpoint.pt"
    weights = read_checkpoint(tuned).network.state_dict()
    start, half = (blended(released, tuned, share, archive, tmp_path) for share in (0.0, 0.5))
    torch.testing.assert_close(half["malignant.weight"], (start["malignant.weight"] + weights["malignant.weight"]) / 2)
    assert not torch.equal(start["malignant.weight"], weights["malignant.weight"])


def test_blend_refuses_networks_of_another_start(archive: Path, checkpoint: Path, tuned: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="was not started from"):
        blended(checkpoint, tuned, 0.5, archive, tmp_path)
