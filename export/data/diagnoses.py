"""Diagnosis codes of the names and abbreviations of diagnoses that tables have."""

import re

_ABBREVIATIONS = {
    "mel": "melanoma",
    "nv": "nevus",
    "nev": "nevus",
    "bcc": "basal_cell_carcinoma",
    "ak": "actinic_keratosis",
    "ack": "actinic_keratosis",
    "akiec": "actinic_keratosis",
    "bkl": "benign_keratosis",
    "sek": "benign_keratosis",
    "df": "dermatofibroma",
    "vasc": "vascular_lesion",
    "scc": "squamous_cell_carcinoma",
    "sccka": "squamous_cell_carcinoma",
    "ben oth": "other_benign",
    "inf": "other_benign",
    "mal oth": "other_malignant",
}
"""Of HAM10000, ISIC 2018 and 2019, PAD-UFES-20 (ACK, NEV, SEK) and MILK10k, in lower case with spaces."""

_PREFIXES = {
    "melanoma": "melanoma",
    "malignant melanoma": "melanoma",
    "malignant melanocytic proliferations (melanoma)": "melanoma",
    "lentigo maligna": "melanoma",
    "nevus": "nevus",
    "nevi": "nevus",
    "naevus": "nevus",
    "melanocytic nev": "nevus",
    "dysplastic nev": "nevus",
    "atypical nev": "nevus",
    "blue nev": "nevus",
    "spitz nev": "nevus",
    "basal cell carcinoma": "basal_cell_carcinoma",
    "actinic keratos": "actinic_keratosis",
    "solar or actinic keratosis": "actinic_keratosis",
    "squamous cell carcinoma in situ": "actinic_keratosis",
    "intraepithelial carcinoma": "actinic_keratosis",
    "bowen": "actinic_keratosis",
    "squamous cell carcinoma": "squamous_cell_carcinoma",
    "keratoacanthoma": "squamous_cell_carcinoma",
    "scc": "squamous_cell_carcinoma",
    "bcc": "basal_cell_carcinoma",
    "benign keratosis": "benign_keratosis",
    "pigmented benign keratosis": "benign_keratosis",
    "seborrheic keratos": "benign_keratosis",
    "seborrhoeic keratos": "benign_keratosis",
    "solar lentigo": "benign_keratosis",
    "lichen planus like keratosis": "benign_keratosis",
    "lichenoid keratosis": "benign_keratosis",
    "dermatofibroma": "dermatofibroma",
    "vascular lesion": "vascular_lesion",
    "hemangioma": "vascular_lesion",
    "haemangioma": "vascular_lesion",
    "verrucous hemangioma": "vascular_lesion",
    "angioma": "vascular_lesion",
    "angiokeratoma": "vascular_lesion",
    "pyogenic granuloma": "vascular_lesion",
    "other benign": "other_benign",
    "other malignant": "other_malignant",
}
"""Beginning of a diagnosis, in lower case with spaces -> diagnosis code; the first one that matches is used.

Vascular lesions include pyogenic granuloma, as in HAM10000 (Tschandl et al. 2018)."""

_OTHER_NEVUS = re.compile(
    r"n(a)?ev(us|i) (comedonic|seba[cz]e|anemic|anaemic|lipomat|flamme|simplex|arane|depigment|elastic|epiderm|verruc)"
)
"""Malformations that are called nevus and have no melanocytes."""

MELANOCYTIC_BENIGN = "benign melanocytic proliferations"
"""Value of the archive's `diagnosis_2` to which every melanocytic nevus belongs, in lower case."""


def diagnosis_code(text: str, family: str = "") -> str:
    """Return the diagnosis code of a name or an abbreviation, a key of `export.data.labels.ALL_CLASSES`; empty if unknown.

    Args:
        text: name, in any case, with spaces, hyphens or underscores.
        family: the archive's `diagnosis_2`, or empty. With another family than `MELANOCYTIC_BENIGN`, nothing is a nevus.
    """
    name = re.sub(r"[\s_-]+", " ", text).strip().lower()
    code = _ABBREVIATIONS.get(name) or next((code for prefix, code in _PREFIXES.items() if name.startswith(prefix)), "")
    if code == "nevus" and (_OTHER_NEVUS.match(name) or family.lower() not in ("", MELANOCYTIC_BENIGN)):
        return ""
    return code
