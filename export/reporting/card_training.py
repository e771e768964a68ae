"""Sentences of the model card about training data and recipes."""

from lesion.inference.card import IMAGE_TYPES

from export.arrays import Figures
from export.checkpoints.recipe import Recipe, TrainConfig

LETTERS = "BCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Names of the networks after the first whose weights were averaged."""

_BALANCES = {"sources": "sources and their malignant share", "datasets": "data sets", "classes": "classes"}


_WEIGHTS = {
    "classes": "images weighted by class, ",
    "none": "malignancy without weights, diagnoses weighted by class, ",
}
"""Text for each of `export.training.typed_heads.ImageWeights`."""


def describe_data(training: Figures) -> str:
    """Return the sentences about the training images and the use of the splits."""
    return describe_images(training) + (
        " Train, val and test share no lesion. Calibration, threshold, prediction sets and refusal limits were fitted on "
        "`val`; nothing was fitted on `test`."
    )


def describe_images(training: Figures) -> str:
    """Return the sentences about the training images alone."""
    datasets = training["datasets"] if "images" in training else training["distance_fitted_on"]
    sources = ", ".join(f"{name} {count}" for name, count in datasets.items())
    if "images" not in training:
        return (
            f"The network comes from `{training['checkpoint']}` ({training['kind']}, sha256 "
            f"`{training['checkpoint_sha256']}`); its training images are unknown here; "
            "where they overlap with the images below, the figures are too high. The OOD statistics were fitted on "
            f"{_kinds(training)} images ({sources})."
        )
    return (
        f"Trained on {training['images']} {_kinds(training)} images ({sources}); sha256 of ids and labels "
        f"`{training['data_sha256']}`."
    )


def _kinds(training: Figures) -> str:
    """Return the image types; records without them are of dermoscopic images."""
    return " and ".join(training.get("image_types", ["dermoscopic"]))


def describe_recipes(training: Figures, experiments: str) -> str:
    """Return the sentences about how the network or networks were trained, or an empty text where that is unknown.

    Args:
        training: `training` of the model file's metadata.
        experiments: sentence that leads to other experiments, or empty.
    """
    recipes = training.get("recipes") or [training["recipe"]] if {"recipe", "recipes"} & training.keys() else []
    texts = [_recipe_text(recipe) for recipe in recipes]
    if not texts:
        return ""
    count = f"{len(texts)} networks" if len(texts) > 1 else "one network"
    weights = " and ".join(f"{weight:g}" for weight in training.get("weights", []))
    mean = f"the mean of the logits of {count}{f', with weights {weights}' if weights else ''}" if len(texts) > 1 else ""
    introduction = f"{mean}. " if mean else ""
    if heads := training.get("heads"):
        fits = [
            f"for {image_type} images, last layers of their own (heads) on the features of {count}: logistic regressions on "
            f"{fit['images']} images without augmentation (diagnoses: on those of them that have one), "
            f"{_weights_text(fit.get('malignant_weights'))}L2 penalty of inverse strength {fit['inverse_penalty']:g}, "
            f"chosen on `val`, networks of {_files_text(fit['networks'])} (`python -m export heads`)"
            for image_type, fit in sorted(heads.items(), reverse=True)
        ]
        others = [
            f"for {image_type} images, {mean or 'the head of that network'}"
            for image_type in IMAGE_TYPES
            if image_type not in heads
        ]
        introduction = "; ".join([*fits, *others]) + ". "
    is_numbered = len(texts) > 1
    networks = " ".join(f"({number}) {text}." for number, text in enumerate(texts, 1)) if is_numbered else f"{texts[0]}."
    return f"Training: {introduction}{networks} {experiments}"


def _weights_text(malignant_weights: str | None) -> str:
    """Return how images weighed in the fit of heads, or an empty text where that is not recorded."""
    return "" if malignant_weights is None else _WEIGHTS[malignant_weights]


def _files_text(checksums: list[str]) -> str:
    """Return the files that heads were fitted to."""
    return f"the file{'s' if len(checksums) > 1 else ''} with sha256 {' and '.join(f'`{one[:12]}`' for one in checksums)}"


def _first_weights(recipe: Figures) -> str:
    """Return what a training began with; recipes up to model 1.7.0 record only `start`."""
    if recipe.get("start"):
        return f"start from the checkpoint with sha256 `{recipe['start'][:12]}`"
    if "first_weights" not in recipe and recipe["arch"].startswith("tf_efficientnet_lite"):
        return "ImageNet start"
    names = {"ImageNet": "ImageNet start", "random": "start from random weights"}
    return names.get(recipe.get("first_weights", ""), "start not recorded")


def _recipe_text(recipe: Figures) -> str:
    phases = "; ".join(
        f"{phase['epochs']} epochs at {phase['size']} px (batch {phase['batch']})" for phase in recipe["phases"]
    )
    # Values are JSON values or, up to model 1.7.0, text.
    parsed = Recipe.parse(recipe)
    is_recorded = parsed.is_recorded("balance") or parsed.is_recorded("balance_datasets")
    balance = f"balanced over {_BALANCES[parsed.config.balance if is_recorded else 'classes']}"
    # Older checkpoints have one rate per phase instead.
    rate = f", highest rate {recipe['rate']}" if "rate" in recipe else ""
    start = _first_weights(recipe)
    parts = [f"{recipe['arch']}: {phases}{rate}", balance, f"seed {recipe['seed']}", start, "moving average of the weights"]
    if parsed.config.freeze_body:
        parts.append("only the last linear layers trained")
    if parsed.config.mixup:
        parts.append(f"mixup {recipe['mixup']}")
    if "degraded" in recipe:
        squashed = f", {float(recipe['squashed']):.0%} squashed" if "squashed" in recipe else ""
        drawn_on = f"{float(recipe['drawn_on']):.0%} with hairs, rulers or ink"
        parts.append(f"{float(recipe['degraded']):.0%} of images degraded, {drawn_on}{squashed}")
    if parsed.config.scale != TrainConfig.scale:
        parts.append("crops of {:g} to {:g} of the image's side".format(*parsed.config.scale))
    if parsed.config.colour_constancy is not None:
        parts.append(f"channels scaled to a common Minkowski norm of order {recipe['colour_constancy']}")
    if teachers := recipe.get("teachers"):
        part = f" ({float(recipe['teachers_share']):.0%} of the loss)" if "teachers_share" in recipe else ""
        parts.append(
            f"distilled{part} from the checkpoints with sha256 " + ", ".join(f"`{digest[:12]}`" for digest in teachers)
        )
    if blended := recipe.get("blended"):
        if others := recipe.get("blended_with", []):
            named = zip(LETTERS, others, strict=False)
            parts.append("; ".join(f"network {letter}: {_recipe_text(other)}" for letter, other in named))
        to = f"the mean of these {len(others) + 1} networks" if others else "this network"
        parts.append(f"weights interpolated {blended:.0%} of the way from that start to {to} (`python -m export blend`)")
    if light := recipe.get("light"):
        parts.append(
            f"white balance of images whose illuminant is more than {light['radius']:g} standard deviations from the "
            "training images' mean corrected to that distance (`python -m export whitebalance`)"
        )
    return ", ".join(parts)
