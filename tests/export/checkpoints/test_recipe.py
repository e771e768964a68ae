"""Recipes of training runs are read in both forms, as JSON values and as the text of earlier versions."""

import json
from pathlib import Path
from typing import Any

import pytest
from lesion.inference.model import Model

from export.checkpoints.recipe import Phase, Recipe, TrainConfig, record_of
from export.errors import CheckpointError
from tests.support.paths import REPOSITORY

TEXT_RECORD: dict[str, Any] = {
    "arch": "tf_efficientnet_lite0",
    "seed": "3",
    "rate": "0.0003",
    "balance_datasets": "True",
    "colour_constancy": "None",
    "mixup": "0.2",
    "start": "ab",
    "teachers": ["cd"],
    "phases": [{"size": 128, "epochs": 2, "batch": 48}],
}
"""As checkpoints up to model 1.7.0 record it."""


def test_parse_reads_the_text_of_old_checkpoints() -> None:
    recipe = Recipe.parse({**TEXT_RECORD, "blended": 0.7, "blended_with": [{**TEXT_RECORD, "balance_datasets": "False"}]})
    config = recipe.config
    assert (config.arch, config.seed, config.rate, config.mixup) == ("tf_efficientnet_lite0", 3, 0.0003, 0.2)
    assert config.balance == "datasets" and config.colour_constancy is None
    assert config.phases == (Phase(128, 2, 48),)
    assert (recipe.start, recipe.teachers, recipe.interpolation) == ("ab", ("cd",), 0.7)
    assert [other.config.balance for other in recipe.averaged_with] == ["classes"]
    assert not recipe.is_recorded("squashed") and config.squashed == TrainConfig.squashed
    assert Recipe.parse({"colour_constancy": "6.0"}).config.colour_constancy == 6.0


@pytest.mark.parametrize("scale", ["[0.4, 1.1]", "(0.4, 1.1)"])
def test_parse_reads_balance_and_scale_as_text(scale: str) -> None:
    """The first trainings on both image types recorded text."""
    config = Recipe.parse({**TEXT_RECORD, "balance": "sources", "scale": scale}).config
    assert (config.balance, config.scale) == ("sources", (0.4, 1.1))


def test_parse_reads_the_recipes_of_the_released_model() -> None:
    training = Model(REPOSITORY / "models" / "lesion.onnx").card.about["training"]
    records = training.get("recipes") or [training["recipe"]]
    for record in records:
        recipe = Recipe.parse(record)
        assert str(recipe.config.seed) == str(record["seed"])
        assert recipe.config.balance == record["balance"]
        assert str(recipe.config.colour_constancy) == str(record["colour_constancy"])
        assert len(recipe.config.phases) == len(record["phases"])
        assert recipe.record == record


@pytest.mark.parametrize(
    "config", [TrainConfig(), TrainConfig(balance="sources", colour_constancy=6.0, seed=4, scale=(0.4, 1.0))]
)
def test_record_of_survives_json(config: TrainConfig) -> None:
    recipe = Recipe.parse(json.loads(json.dumps(record_of(config, "ab", ["cd"]))))
    assert recipe.config == config
    assert (recipe.start, recipe.teachers) == ("ab", ("cd",))


def test_record_of_omits_paths() -> None:
    config = TrainConfig(start=Path("/somewhere/a.pt"), teachers=(Path("/somewhere/b.pt"),))
    assert "somewhere" not in json.dumps(record_of(config, "ab", ["cd"]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"balance_datasets": "perhaps"},
        {"balance": "perhaps"},
        {"scale": "[0.4]"},
        {"rate": "fast"},
        {"phases": [{"size": 1}]},
    ],
)
def test_parse_refuses_values_of_another_type(wrong: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="recipe of the training cannot be read"):
        Recipe.parse({**TEXT_RECORD, **wrong})
