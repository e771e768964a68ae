"""Responses of the service, for tests of the page that depend on a model's outputs."""

from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Page

SHA256 = "ab" * 32
CARD: Mapping[str, Any] = {
    "version": "7",
    "sha256": SHA256,
    "threshold": 0.31,
    "coverage": 0.9,
    "classes": [
        {"code": "melanoma", "name": "Melanoma", "malignant": True},
        {"code": "nevus", "name": "Nevus", "malignant": False},
    ],
    "metrics": {
        # A quarter of the images of the calibration is malignant.
        "val": {"all": {"n": 1000, "malignant": 250}},
        "test": {
            "all": {
                "n": 1350,
                "malignant": 400,
                "auc": {"value": 0.93, "low": 0.91, "high": 0.94},
                "sensitivity": {"value": 0.951, "low": 0.92, "high": 0.97},
                "specificity": {"value": 0.62, "low": 0.59, "high": 0.65},
            }
        },
    },
    "licence": "MIT",
    "limits_of_use": ["Only for tests."],
}
_INTERVAL = {"value": 0.9, "low": 0.8, "high": 0.95}
_TEST_SET = CARD["metrics"]["test"]
FULL_CARD: Mapping[str, Any] = {
    **CARD,
    "metrics": {
        "val": CARD["metrics"]["val"],
        "test": {
            **_TEST_SET,
            "datasets": {"HAM10000": {**_TEST_SET["all"], "n": 900}, "ISIC2017": {**_TEST_SET["all"], "n": 450}},
            "diagnoses": {
                "melanoma": {"n": 213, "malignant": True, "above_threshold": _INTERVAL},
                "nevus": {"n": 820, "malignant": False, "above_threshold": {"value": 0.2, "low": 0.15, "high": 0.25}},
                "dermatofibroma": {"n": 0, "malignant": False, "above_threshold": {"value": None}},
            },
            # As many points as in the model file.
            "curves": {
                "roc": [[step / 100, round((step / 100) ** 0.052, 4)] for step in range(101)],
                "reliability": [[(step / 15) ** 2, (step / 15) ** 2.2] for step in range(15)],
            },
        },
        "strangers": {"clinical": {"n": 455, "refused": 0.05}, "not-lesions": {"n": 108, "refused": 0.9}},
    },
}
"""A model card with every figure that the page plots."""
_LIMITS = {"set_limits": {"malignant": 0.2, "benign": 0.5}, "refusal": [], "calibration": {}}
TYPES_CARD: Mapping[str, Any] = {
    **CARD,
    "operating_points": {
        image_type: {
            views: {**_LIMITS, "threshold": threshold, "coverage": {"malignant": malignant, "benign": benign}}
            for views, threshold, malignant, benign in points
        }
        for image_type, points in {
            "dermoscopic": [("1", 0.31, 0.95, 0.9), ("8", 0.3, 0.96, 0.91)],
            "clinical": [("1", 0.21, 0.93, 0.8), ("8", 0.2, 0.94, 0.81)],
        }.items()
    },
    "metrics": {
        "val": {
            "all": {"n": 1400, "malignant": 450},
            "types": {"dermoscopic": {"n": 1000, "malignant": 250}, "clinical": {"n": 400, "malignant": 200}},
        },
        "test": {
            **_TEST_SET,
            "eight_views": {**_TEST_SET["all"], "sensitivity": {"value": 0.96}, "specificity": {"value": 0.66}},
            "types": {
                image_type: {
                    **_TEST_SET["all"],
                    "n": images,
                    "malignant": malignant,
                    "sensitivity": {"value": sensitivity, "low": 0.9, "high": 0.99},
                    "specificity": {"value": specificity, "low": 0.5, "high": 0.7},
                    "eight_views": {
                        **_TEST_SET["all"],
                        "n": images,
                        "malignant": malignant,
                        "auc": {"value": auc, "low": 0.8, "high": 0.99},
                        "sensitivity": {"value": sensitivity + 0.01},
                        "specificity": {"value": specificity + 0.05},
                        "melanoma_sensitivity": {"value": 0.8 if image_type == "clinical" else None},
                        "melanoma_nevus": {"melanoma": 51},
                    },
                }
                for image_type, images, malignant, sensitivity, specificity, auc in (
                    ("dermoscopic", 1000, 250, 0.95, 0.7, 0.95),
                    ("clinical", 350, 150, 0.93, 0.5, 0.88),
                )
            },
        },
    },
}
"""The card of a model of format 2 that distinguishes dermoscopic and clinical images."""
REFUSAL = {"code": "too_blurry", "message": "A sentence that the page says by its code."}


def answer(probability: float, *sides: str) -> dict[str, Any]:
    """Return a response of `/api/classify`; without sides, a refusal."""
    prediction = {
        "decision": "above_threshold" if probability >= 0.31 else "below_threshold",
        "malignant_probability": probability,
        "threshold": 0.31,
        "prediction_set": sides,
        "logit": 0.5,
        "classes": [
            {"code": "melanoma", "malignant": True, "probability": probability},
            {"code": "nevus", "malignant": False, "probability": 1 - probability},
        ],
    }
    return {
        "status": "ok" if sides else "refused",
        "refusal": None if sides else REFUSAL,
        "prediction": prediction if sides else None,
        # Malignant at the top left, benign at the bottom right.
        "evidence": {"rows": 2, "columns": 2, "bias": 0.25, "values": [[3, 0], [0, -2]]} if sides else None,
        "image": {
            "width": 1504,
            "height": 1129,
            "format": "JPEG",
            "type": "dermoscopic",
            "type_source": "assumed",
            "type_probability": None,
        },
        "images": None,
        "agreement": None,
        "model": {"version": "7", "sha256": SHA256},
        "timing_ms": {"decode": 6.1, "infer": 9.0, "total": 15.9},
        "disclaimer": "Research demonstration. Not a medical device.",
    }


def typed(body: dict[str, Any], image_type: str, source: str = "detected", probability: float = 0.97) -> dict[str, Any]:
    """Return an answer of a model of format 2."""
    return {**body, "image": {**body["image"], "type": image_type, "type_source": source, "type_probability": probability}}


def lesion(probability: float, sides: tuple[str, ...], agreement: str | None, *bodies: dict[str, Any]) -> dict[str, Any]:
    """Return a response about several photos of one lesion, from the responses about each of them."""
    kept = ("status", "refusal", "prediction", "evidence", "image")
    images = [{name: body[name] for name in kept} for body in bodies]
    combined = {**answer(probability, *sides), "evidence": None, "image": None}
    return {**combined, "images": images, "agreement": agreement}


def answer_with(page: Page, body: Mapping[str, Any], card: Mapping[str, Any] = CARD) -> None:
    """Mock the service's responses from here on, and classify a sample."""
    page.route("**/api/model", lambda route: route.fulfill(json=card))
    page.route("**/api/classify**", lambda route: route.fulfill(json=body))
    page.locator(".sample").nth(5).click()
    page.locator("#analyse").click()
