"""The card for the Hugging Face Hub and that of CHAI have the figures of metrics.json."""

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from lesion import __version__
from lesion.inference.model import Model

from export.reporting.chai_card import NAMESPACE, render_chai_card
from export.reporting.hugging_face import render_hugging_face
from export.reporting.model_card import render_card
from tests.support.paths import REPOSITORY

MODELS = REPOSITORY / "models"
SECTIONS = {
    "BasicInfo": ["ModelName", "ModelDeveloper", "DeveloperContact"],
    "ReleaseInfo": ["ReleaseStage", "ReleaseDate", "ReleaseVersion", "GlobalAvailability", "RegulatoryApproval"],
    "ModelSummary": ["Summary", "Keywords"],
    "UsesAndDirections": [
        *("IntendedUseAndWorkflow", "PrimaryIntendedUsers", "HowToUse", "TargetedPatientPopulation"),
        "CautionedOutOfScopeSettings",
    ],
    "Warnings": ["KnownRisksAndLimitations", "KnownBiasesOrEthicalConsiderations", "ClinicalRiskLevel"],
    "TrustIngredients": ["AISystemFacts", "TransparencyInformation"],
    "KeyMetrics": ["UsefulnessUsabilityEfficacy", "FairnessEquity", "SafetyReliability"],
    "Resources": ["EvaluationReferences", "ClinicalTrial", "PeerReviewedPublications", "PatientConsentOrDisclosure"],
    "Bibliography": [],
}
"""Elements of https://mc.chai.org/v0.2/schema.xsd in its order; those that it allows to leave out and are left out lack."""
METRIC = [
    "MetricGoal",
    "Results",
    "Interpretation",
    "TestType",
    "TestingDataDescription",
    "ValidationProcessAndJustification",
]


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(MODELS / "lesion.onnx")


@pytest.fixture(scope="module")
def metrics() -> Any:
    return json.loads((MODELS / "metrics.json").read_text())


def own(element: ET.Element) -> list[str]:
    return [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]


def test_chai_card_has_the_elements_of_the_schema(model: Model, metrics: Any) -> None:
    root = ET.fromstring(render_chai_card(model, metrics, code_version="9.9"))
    assert root.tag == f"{{{NAMESPACE}}}AppliedModelCard" and own(root) == list(SECTIONS)
    assert {name: own(section) for name, section in zip(SECTIONS, root, strict=True)} == SECTIONS
    assert all(own(metric) == METRIC for metric in root[6])
    leaves = [element for element in root.iter() if not len(element)]
    assert len(leaves) > 60 and all((element.text or "").strip() for element in leaves)


def test_chai_card_has_the_figures(model: Model, metrics: Any) -> None:
    root = ET.fromstring(render_chai_card(model, metrics, code_version="9.9"))
    results = {}
    for result in root.iter(f"{{{NAMESPACE}}}MetricResult"):
        label, value = (child.text or "" for child in result)
        results[label] = json.loads(value)
    for name, key in (("AUC", "auc"), ("expected calibration error", "calibration_error")):
        assert results[f"all images: {name}"] == metrics["test"]["all"][key]
    assert results["HAM10000: AUC"] == metrics["test"]["datasets"]["HAM10000"]["auc"]
    assert len([label for label in results if "decisions that flip" in label]) > 10
    text = "".join(root.itertext())
    assert model.sha256 in text and f"{model.card.version} (model), 9.9 (code)" in text


def test_hugging_face_header_has_the_figures(model: Model, metrics: Any) -> None:
    text = render_hugging_face(model, metrics)
    empty, header, card = text.split("---\n", 2)
    assert empty == "" and card.strip() == render_card(model, metrics).strip()
    known = yaml.safe_load(header)
    assert (known["license"], known["pipeline_tag"]) == ("cc-by-nc-4.0", "image-classification")
    [entry] = known["model-index"]
    figures = {metric["type"]: metric for metric in entry["results"][0]["metrics"]}
    dermoscopic = metrics["test"]["types"]["dermoscopic"]
    assert figures["roc_auc"]["value"] == dermoscopic["auc"]["value"]
    assert figures["recall"]["args"]["high"] == dermoscopic["sensitivity"]["high"]
    assert set(known["metrics"]) == set(figures)


def test_undefined_figures_are_left_out(model: Model, metrics: Any) -> None:
    undefined = {"value": None, "low": None, "high": None}
    other = json.loads(json.dumps(metrics))
    for part in (other["test"]["all"], *other["test"]["types"].values()):
        part["auc"] = undefined
    other["stress"] = {}
    assert "roc_auc\n      name" not in render_hugging_face(model, other)
    card = render_chai_card(model, other, code_version="1")
    assert "all images: AUC" not in card and "all images: refused" in card


def test_committed_cards_are_current(model: Model, metrics: Any) -> None:
    assert (MODELS / "huggingface.md").read_text() == render_hugging_face(model, metrics)
    assert (MODELS / "chai.xml").read_text() == render_chai_card(model, metrics, code_version=__version__)
