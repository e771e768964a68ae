"""Tables of HAM10000, ISIC 2020 and PAD-UFES-20, which have one column with the diagnosis."""

from export.data.diagnoses import diagnosis_code
from export.data.labels import ALL_CLASSES
from export.data.layouts.layout import NO_LABEL, Label, Layout
from export.data.text_table import Row


def ham10000_label(row: Row) -> Label:
    """Return the label of a row of HAM10000, by its abbreviation `dx` (Tschandl et al. 2018)."""
    return _by_diagnosis(row.get("dx", ""))


def pad_ufes_20_label(row: Row) -> Label:
    """Return the label of a row of PAD-UFES-20, by its abbreviation `diagnostic` (Pacheco et al. 2020)."""
    return _by_diagnosis(row.get("diagnostic", ""))


def isic_2020_label(row: Row) -> Label:
    """Return the label of a row of ISIC 2020: `diagnosis` where it is known, otherwise `benign_malignant` or `target`."""
    if diagnosis := diagnosis_code(row.get("diagnosis", "")):
        return Label(ALL_CLASSES[diagnosis], diagnosis)
    side = {"benign": False, "malignant": True, "0": False, "1": True, "0.0": False, "1.0": True}
    for column in ("benign_malignant", "target"):
        if (text := row.get(column, "").lower()) in side:
            return Label(side[text])
    return Label(None, reason=NO_LABEL)


def _by_diagnosis(text: str) -> Label:
    if not text:
        return Label(None, reason=NO_LABEL)
    diagnosis = diagnosis_code(text)
    return Label(ALL_CLASSES[diagnosis], diagnosis) if diagnosis else Label(None, unknown=text)


HAM10000 = Layout(
    "HAM10000",
    recognises=lambda columns: "dx" in columns and bool(columns & {"image_id", "isic_id", "image"}),
    label=ham10000_label,
    dataset="HAM10000",
    uses=frozenset({"dx"}),
)

PAD_UFES_20 = Layout(
    "PAD-UFES-20",
    recognises=lambda columns: {"img_id", "diagnostic"} <= columns,
    label=pad_ufes_20_label,
    dataset="PAD-UFES-20",
    image_type="clinical",
    uses=frozenset({"diagnostic"}),
)

ISIC_2020 = Layout(
    "ISIC 2020",
    recognises=lambda columns: "image_name" in columns and bool(columns & {"target", "benign_malignant"}),
    label=isic_2020_label,
    dataset="ISIC2020",
    uses=frozenset({"diagnosis", "benign_malignant", "target"}),
)
