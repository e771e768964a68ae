"""Diagnosis codes of the diagnoses in tables of the ISIC Archive, MILK10k and PAD-UFES-20."""

from collections.abc import Mapping

_DIAGNOSIS_PREFIXES = {
    "melanoma": "melanoma",
    "nevus": "nevus",
    "basal cell carcinoma": "basal_cell_carcinoma",
    "actinic keratosis": "actinic_keratosis",
    "solar or actinic keratosis": "actinic_keratosis",
    "squamous cell carcinoma in situ": "actinic_keratosis",
    "bowen": "actinic_keratosis",
    "squamous cell carcinoma": "squamous_cell_carcinoma",
    "keratoacanthoma": "squamous_cell_carcinoma",
    "scc": "squamous_cell_carcinoma",
    "bcc": "basal_cell_carcinoma",
    "benign keratosis": "benign_keratosis",
    "pigmented benign keratosis": "benign_keratosis",
    "seborrheic keratosis": "benign_keratosis",
    "solar lentigo": "benign_keratosis",
    "lichen planus like keratosis": "benign_keratosis",
    "dermatofibroma": "dermatofibroma",
    "vascular lesion": "vascular_lesion",
    "hemangioma": "vascular_lesion",
    "angiokeratoma": "vascular_lesion",
}
"""Beginning of a diagnosis, in lower case with spaces -> diagnosis code; the first one that matches is used."""

_MILK10K_CLASSES = {"BEN_OTH": "other_benign", "INF": "other_benign", "MAL_OTH": "other_malignant"}
"""Value of `milk10k_class` where the diagnosis is none of the above -> diagnosis code."""


def diagnosis_code(row: Mapping[str, str]) -> str:
    """Return the diagnosis code of a row of metadata.csv, a key of `export.data.labels.ALL_CLASSES`; empty without one."""
    text = (row.get("diagnosis") or row.get("diagnosis_3") or "").lower().replace("_", " ")
    code = next((code for prefix, code in _DIAGNOSIS_PREFIXES.items() if text.startswith(prefix)), "")
    return code or _MILK10K_CLASSES.get(row.get("milk10k_class", ""), "")
