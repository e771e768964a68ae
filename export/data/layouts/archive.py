"""Tables of the ISIC Archive: today's `diagnosis_1` to `diagnosis_5`, the earlier columns, and ISIC 2024.

Tables with the earlier columns are also those of this project's own data, of MILK10k joined with its diagnoses, and of
PAD-UFES-20 with renamed columns (`image`, `diagnosis`, `patient`).
"""

from export.data.diagnoses import diagnosis_code
from export.data.labels import ALL_CLASSES
from export.data.layouts.layout import ARCHIVE_TYPES, INDETERMINATE, NO_LABEL, Label, Layout
from export.data.text_table import Row

_NUMBERED = ("diagnosis_3", "diagnosis_4", "diagnosis_5")
_ID_COLUMNS = {"isic_id", "image", "image_id"}


def archive_label(row: Row) -> Label:
    """Return the label of a row of the archive.

    A diagnosis that is one of `ALL_CLASSES` decides, also where the archive says "Indeterminate": actinic keratosis counts
    as malignant here. Otherwise the archive's side counts.
    """
    family = row.get("diagnosis_2", "")
    texts = (row.get("diagnosis", ""), *(row.get(column, "") for column in _NUMBERED), family, row.get("milk10k_class", ""))
    diagnosis = next((code for text in texts if (code := diagnosis_code(text, family))), "")
    if diagnosis:
        return Label(ALL_CLASSES[diagnosis], diagnosis)
    return side_label(row.get("benign_malignant") or row.get("diagnosis_1") or row.get("diagnosis") or "")


def side_label(side: str) -> Label:
    """Return the label for the archive's "Benign", "Malignant", "Indeterminate", or one of its earlier forms."""
    name = side.lower()
    if name in ("benign", "malignant"):
        return Label(name == "malignant")
    return Label(None, reason=INDETERMINATE if name.startswith("indeterminate") else NO_LABEL)


def isic_2024_label(row: Row) -> Label:
    """Return the label of a row of ISIC 2024: `iddx_1` to `iddx_5` are the archive's, `target` is used without them."""
    renamed = {f"diagnosis_{number}": row.get(f"iddx_{number}", "") for number in range(1, 6)}
    if any(renamed.values()):
        return archive_label(renamed)
    target = row.get("target", "")
    return Label(float(target) > 0) if target in ("0", "1", "0.0", "1.0") else Label(None, reason=NO_LABEL)


ISIC_2024 = Layout(
    "ISIC 2024",
    recognises=lambda columns: "isic_id" in columns and "iddx_1" in columns,
    label=isic_2024_label,
    dataset="ISIC2024",
    image_type="clinical",
    # Tiles of total body photographs, taken without a dermatoscope; the data set has no other images.
    image_types={**ARCHIVE_TYPES, "tbp tile: close-up": "clinical"},
    uses=frozenset({"target", *(f"iddx_{number}" for number in range(1, 6))}),
)

ARCHIVE = Layout(
    "ISIC Archive",
    recognises=lambda columns: "diagnosis_1" in columns and bool(columns & _ID_COLUMNS),
    label=archive_label,
    uses=frozenset({"diagnosis", "diagnosis_1", "diagnosis_2", *_NUMBERED, "benign_malignant", "milk10k_class"}),
)

EARLIER_ARCHIVE = Layout(
    "ISIC Archive (earlier columns)",
    recognises=lambda columns: (
        bool(columns & _ID_COLUMNS) and bool(columns & {"benign_malignant", "diagnosis", "diagnosis_3", "milk10k_class"})
    ),
    label=archive_label,
    uses=ARCHIVE.uses,
)
