"""The metadata of a model file that describe its network: classes, training, licence, intended use."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lesion.inference.card import IMAGE_TYPES, ImageType

from export.arrays import Figures
from export.data.labels import LabelledImage
from export.nn.network import Network

NON_COMMERCIAL = "CC BY-NC 4.0: non-commercial, because most of the training images are"
NON_COMMERCIAL_IN_PART = "CC BY-NC 4.0: non-commercial, because some of the training images are"

INTENDED_USE = "Research and teaching: one dermoscopic photograph of one skin lesion, centred."
INTENDED_USE_OF_BOTH = "Research and teaching: one dermoscopic or clinical close-up image of one skin lesion, centred."
INTENDED_USE_OF_CLINICAL = "Research and teaching: one clinical close-up image of one skin lesion, centred."
_DERMOSCOPIC_ONLY = "Made for dermoscopic images; photographs by phone alone are another domain."
_CLINICAL_ONLY = "Made for clinical close-ups; dermoscopic images are another domain."
_CLOSE_UPS = "Clinical images must be close-ups of one lesion; overview photographs are another domain."
_LIGHT_SKIN = "Not tested on brown or black skin: nearly all training and test images show Fitzpatrick types I to III."
_UNKNOWN_SKIN = "Not tested on brown or black skin, unless its author did: the skin types of the images are not recorded."
_LIGHT_SKIN_DATASETS = frozenset(
    {"HAM10000", "ISIC2016", "ISIC2017", "ISIC2018", "ISIC2019", "ISIC2020", "ISIC archive", "MILK10k", "PAD-UFES-20"}
)
"""Data sets whose skin types are known from their publications; of others the limits of use say that they are unknown."""

LIMITS_OF_USE = [
    "Not a medical device and not approved by any authority.",
    _LIGHT_SKIN,
    _DERMOSCOPIC_ONLY,
    "Not for mucosa, nails, scalp under hair, wounds, or more than one lesion at once.",
    "It knows only the diagnoses listed; anything else is forced into one of them or refused.",
]


def describe_model(
    network: Network, version: str, provenance: Mapping[str, Any], rows: Sequence[LabelledImage], *, trained_here: bool
) -> Figures:
    """Return the metadata that follow from a network and its training, JSON values by key.

    Args:
        network: the network.
        version: of the model, shown with every answer.
        provenance: of the checkpoint, JSON values.
        rows: of `train`.
        trained_here: whether `python -m export train` trained the network on the rows. On the images of another project's
            checkpoint nothing is known; then only the OOD statistics are fitted on the rows.
    """
    spec, bias = network.spec, network.constant_bias
    datasets = dict(sorted(Counter(row.dataset for row in rows).items()))
    # Dermoscopic first.
    types = {name: count for name in IMAGE_TYPES if (count := sum(row.image_type == name for row in rows))}
    return {
        "version": version,
        "architecture": spec.arch,
        "input_size": spec.size,
        "classes": [
            {"code": code, "name": code.replace("_", " ").capitalize(), "malignant": malignant}
            for code, malignant in zip(spec.classes, spec.malignant, strict=True)
        ],
        **({} if network.explains else {"evidence": False}),
        # Without this key, the graph has an output of the name.
        **({} if bias is None else {"bias": round(bias, 8)}),
        "training": {**provenance, "datasets" if trained_here else "distance_fitted_on": datasets, "image_types": types},
        "licence": licence_of_weights(rows) if trained_here else "that of the checkpoint, which its author knows",
        **_uses(set(types), set(datasets)),
    }


def _uses(image_types: set[ImageType], datasets: set[str]) -> Figures:
    """Return intended use and limits of use of a model of these image types and data sets."""
    if image_types == {"dermoscopic"}:
        use, limit = INTENDED_USE, _DERMOSCOPIC_ONLY
    elif image_types == {"clinical"}:
        use, limit = INTENDED_USE_OF_CLINICAL, _CLINICAL_ONLY
    else:
        use, limit = INTENDED_USE_OF_BOTH, _CLOSE_UPS
    own = {_DERMOSCOPIC_ONLY: limit, _LIGHT_SKIN: _LIGHT_SKIN if datasets <= _LIGHT_SKIN_DATASETS else _UNKNOWN_SKIN}
    limits = [own.get(sentence, sentence) for sentence in LIMITS_OF_USE]
    return {"intended_use": use, "limits_of_use": limits}


def licence_of_weights(rows: Sequence[LabelledImage]) -> str:
    """Return the licence of weights that were trained on images, from the licences that the table names."""
    licences = sorted({row.licence for row in rows})
    if restricted := sum("NC" in row.licence for row in rows):
        return NON_COMMERCIAL if restricted > len(rows) / 2 else NON_COMMERCIAL_IN_PART
    return f"that of the training images ({', '.join(licences)})" if all(licences) else "not said by the training images"
