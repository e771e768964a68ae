"""Tables with one column for each diagnosis, 1 in one of them: ISIC 2018, ISIC 2019 and MILK10k."""

from export.data.diagnoses import diagnosis_code
from export.data.labels import ALL_CLASSES
from export.data.layouts.layout import NO_LABEL, Label, Layout
from export.data.text_table import Row

_COLUMNS = frozenset(
    {"mel", "nv", "bcc", "ak", "akiec", "bkl", "df", "vasc", "scc", "sccka", "unk", "ben_oth", "inf", "mal_oth"}
)
"""Columns of the challenges, in lower case; `unk` is no diagnosis."""


def one_hot_label(row: Row) -> Label:
    """Return the label of a row: the column that contains 1.

    A row with several of them, or with another number, has an unknown label.
    """
    given = {column: row[column] for column in sorted(_COLUMNS & row.keys()) if row[column]}
    try:
        marked = [column for column, text in given.items() if float(text) == 1]
        others = [column for column, text in given.items() if float(text) not in (0, 1)]
    except ValueError:
        marked, others = [], list(given)
    if len(marked) > 1 or others:
        return Label(None, unknown=", ".join(f"{column.upper()}={given[column]}" for column in (*marked, *others)))
    if not marked or marked == ["unk"]:
        return Label(None, reason=NO_LABEL)
    diagnosis = diagnosis_code(marked[0])
    return Label(ALL_CLASSES[diagnosis], diagnosis)


ONE_HOT = Layout(
    "one column for each diagnosis",
    recognises=lambda columns: (
        len(columns & _COLUMNS) >= 2 and bool(columns & {"image", "isic_id", "image_id", "image_name", "lesion_id"})
    ),
    label=one_hot_label,
    uses=_COLUMNS,
    joins=True,
)
