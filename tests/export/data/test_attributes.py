"""What tables say about people and sites becomes the groups of reports."""

import pytest

from export.data.attributes import DIMENSIONS, attributes_of


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"age": "29.0"}, {"age": "under 30"}),
        ({"age_approx": "30"}, {"age": "30 to 49"}),
        ({"age": "", "age_approx": "70"}, {"age": "70 and over"}),
        ({"age": "unknown"}, {}),
        ({"age": "nan"}, {}),
        ({"age": "-5"}, {}),
        ({"sex": "Male"}, {"sex": "male"}),
        ({"sex": "unknown"}, {}),
        ({"site": "head_neck_face"}, {"site": "head and neck"}),
        ({"site": "forearm"}, {"site": "arm"}),
        ({"site": "EAR"}, {"site": "head and neck"}),
        ({"site": "oral/genital"}, {"site": "genital"}),
        ({"localization": "lower extremity"}, {"site": "leg"}),
        ({"region": "thigh"}, {"site": "leg"}),
        ({"anatom_site_general": "palms/soles"}, {"site": "hand or foot"}),
        ({"anatom_site_general": "posterior torso"}, {"site": "trunk"}),
        ({"site": "unknown"}, {}),
        ({"skin_tone": "0"}, {"skin_tone": "0 (darkest)"}),
        ({"skin_tone": "3.0"}, {"skin_tone": "3"}),
        ({"skin_tone": "7"}, {}),
        ({"skin_type": "4"}, {"fitzpatrick_type": "IV"}),
        ({"fitspatrick": "2.0"}, {"fitzpatrick_type": "II"}),
        ({"fitzpatrick_skin_type": "Type VI"}, {"fitzpatrick_type": "VI"}),
        ({"fitzpatrick_skin_type": "dark"}, {}),
    ],
)
def test_attributes_follow_from_columns(row: dict[str, str], expected: dict[str, str]) -> None:
    assert dict(attributes_of(row)) == expected


def test_attributes_are_values_of_their_dimensions() -> None:
    row = {"age": "55", "sex": "female", "site": "back", "skin_tone": "5", "skin_type": "1"}
    found = attributes_of(row)
    assert [name for name, _ in found] == list(DIMENSIONS)
    assert all(value in DIMENSIONS[name] for name, value in found)
