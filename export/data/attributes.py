"""Attributes of a person and of a place on the body, by which figures are reported: age band, sex, body region, skin."""

import re

from export.data.text_table import Row

Attribute = tuple[str, str]
"""Dimension and value, such as ("age", "30 to 49")."""

_AGE_COLUMNS = ("age", "age_approx")
_SEX_COLUMNS = ("sex", "gender")
_SITE_COLUMNS = ("site", "anatom_site_general", "localization", "region")
_FITZPATRICK_COLUMNS = ("skin_type", "fitzpatrick_skin_type", "fitzpatrick", "fitspatrick")
_TONE_COLUMNS = ("skin_tone", "skin_tone_class")

COLUMNS = frozenset((*_AGE_COLUMNS, *_SEX_COLUMNS, *_SITE_COLUMNS, *_FITZPATRICK_COLUMNS, *_TONE_COLUMNS))
"""Columns, in lower case, that attributes are read from."""

_BANDS = ((30, "under 30"), (50, "30 to 49"), (70, "50 to 69"), (130, "70 and over"))
"""End of each age band, in years, and its name."""

# The first region that has one of its words in the recorded site counts: "oral/genital" is genital.
_REGIONS = {
    "genital": ("genital",),
    "hand or foot": ("hand", "hands", "foot", "feet", "palm", "palms", "sole", "soles", "acral", "nail", "finger", "toe"),
    "head and neck": ("head", "neck", "face", "scalp", "ear", "nose", "lip", "oral", "eyelid", "cheek", "forehead"),
    "trunk": ("trunk", "torso", "back", "chest", "abdomen"),
    "arm": ("upper extremity", "arm", "forearm", "shoulder"),
    "leg": ("lower extremity", "leg", "thigh"),
}

_FITZPATRICK = {number: roman for number, roman in enumerate(("I", "II", "III", "IV", "V", "VI"), 1)}
_TONES = {"0": "0 (darkest)", "5": "5 (lightest)"} | {tone: tone for tone in "1234"}

DIMENSIONS = {
    "skin_tone": tuple(_TONES[tone] for tone in "012345"),
    "fitzpatrick_type": tuple(_FITZPATRICK.values()),
    "age": tuple(name for _, name in _BANDS),
    "sex": ("female", "male"),
    "site": tuple(_REGIONS),
}
"""Dimension -> values in the order of reports. "skin_tone" is the scale of MILK10k, which is not Fitzpatrick's."""


def attributes_of(row: Row) -> tuple[Attribute, ...]:
    """Return the attributes that a row of a table states; unknown ones are left out.

    Args:
        row: by column name in lower case.
    """
    found = {
        "skin_tone": _TONES.get(_number(_value(row, _TONE_COLUMNS)) or ""),
        "fitzpatrick_type": _fitzpatrick(_value(row, _FITZPATRICK_COLUMNS)),
        "age": _band(_value(row, _AGE_COLUMNS)),
        "sex": _value(row, _SEX_COLUMNS).lower(),
        "site": _region(_value(row, _SITE_COLUMNS)),
    }
    return tuple((name, value) for name, value in found.items() if value in DIMENSIONS[name])


def _value(row: Row, columns: tuple[str, ...]) -> str:
    return next((row[column] for column in columns if row.get(column)), "")


def _number(text: str) -> str | None:
    """Return a whole number as text, from "2" or "2.0"; None of other text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return str(int(number)) if number.is_integer() else None


def _band(text: str) -> str | None:
    try:
        age = float(text)
    except ValueError:
        return None
    return next((name for end, name in _BANDS if 0 <= age < end), None)


def _fitzpatrick(text: str) -> str | None:
    number = _number(text)
    return _FITZPATRICK.get(int(number)) if number is not None else text.strip().upper().removeprefix("TYPE ")


def _region(text: str) -> str | None:
    site = re.sub(r"[^a-z]+", " ", text.lower())
    return next((name for name, parts in _REGIONS.items() if any(f" {part} " in f" {site} " for part in parts)), None)
