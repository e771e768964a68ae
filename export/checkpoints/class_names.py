"""Class names of third-party checkpoints: their diagnosis codes, and which of them are malignant."""

import re
from collections.abc import Sequence

from export.data.labels import ALL_CLASSES
from export.errors import ClassesError

_ABBREVIATIONS = {
    "mel": "melanoma",
    "nv": "nevus",
    "bcc": "basal_cell_carcinoma",
    "ak": "actinic_keratosis",
    "akiec": "actinic_keratosis",
    "bkl": "benign_keratosis",
    "df": "dermatofibroma",
    "vasc": "vascular_lesion",
    "scc": "squamous_cell_carcinoma",
    "naevus": "nevus",
    "nevi": "nevus",
    "melanocytic_nevus": "nevus",
    "melanocytic_nevi": "nevus",
    "melanomas": "melanoma",
    "actinic_keratoses": "actinic_keratosis",
    "basal_cell_carcinomas": "basal_cell_carcinoma",
    "squamous_cell_carcinomas": "squamous_cell_carcinoma",
    "benign_keratoses": "benign_keratosis",
    "benign_keratosis_like_lesion": "benign_keratosis",
    "benign_keratosis_like_lesions": "benign_keratosis",
    "pigmented_benign_keratosis": "benign_keratosis",
    "dermatofibromas": "dermatofibroma",
    "vascular_lesions": "vascular_lesion",
}
"""Names of diagnoses in HAM10000 (Tschandl et al. 2018), its copies, and the ISIC challenges -> code."""

_MALIGNANT = {"malignant", "melanoma", "melanomas", "carcinoma", "cancer", "cancerous", "bowen", "sarcoma", "lymphoma"}
_BENIGN = (
    {"benign", "nevus", "naevus", "nevi", "mole", "lentigo", "dermatofibroma", "vascular", "hemangioma", "angioma"}
    | {"angiokeratoma", "wart", "cyst", "healthy", "normal"}
    | {"seborrheic", "seborrhoeic"}
)
_NEGATIONS = {"non", "not", "no", "without", "or", "and", "vs", "other"}


def class_code(name: str) -> str:
    """Return a class name in snake case, with the usual abbreviations replaced by the full code."""
    code = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return _ABBREVIATIONS.get(code, code)


def class_codes(names: Sequence[str]) -> tuple[str, ...]:
    """Return the codes of all classes in order.

    Raises:
        ClassesError: fewer than two, or two of the same code.
    """
    codes = tuple(class_code(name) for name in names)
    if len(codes) < 2 or len(set(codes)) < len(codes) or "" in codes:
        raise ClassesError(
            f"The classes {list(names)} are not two or more different names. Name them, in order, with --classes."
        )
    return codes


def malignant_flags(codes: Sequence[str], given: Sequence[str] = ()) -> tuple[bool, ...]:
    """Return whether each class is malignant.

    Args:
        codes: of all classes.
        given: names of the malignant classes; empty to derive them from the codes.

    Raises:
        ClassesError: a given name is not a class, a code is ambiguous, or all classes are of one kind.
    """
    chosen = {class_code(name) for name in given}
    if chosen - set(codes):
        raise ClassesError(f"--malignant names {sorted(chosen - set(codes))}, but the classes are {list(codes)}.")
    known = [code in chosen for code in codes] if chosen else [_is_malignant(code) for code in codes]
    unclear = [code for code, side in zip(codes, known, strict=True) if side is None]
    if unclear:
        raise ClassesError(f"It is not clear whether {unclear} are malignant. Name all malignant classes with --malignant.")
    if all(known) or not any(known):
        raise ClassesError(
            f"All of the classes {list(codes)} are {'malignant' if known[0] else 'benign'}, so that there is nothing to "
            "tell apart. Name the malignant ones with --malignant."
        )
    return tuple(bool(side) for side in known)


def _is_malignant(code: str) -> bool | None:
    """Return None where the code contains neither, both, or a negation ("non_melanoma" may be another cancer)."""
    if code in ALL_CLASSES:
        return ALL_CLASSES[code]
    words = set(code.split("_"))
    malignant, benign = bool(words & _MALIGNANT), bool(words & _BENIGN)
    return None if malignant == benign or words & _NEGATIONS else malignant
