"""The CHAI applied model card: models/chai.xml, by the schema of the Coalition for Health AI, version 0.2.

https://mc.chai.org/v0.2/schema.xsd. Order and names of the elements are those of the schema; texts may contain Markdown.
What nobody has done is said so: no study with patients, no approval, no funding.
"""

import json
import xml.etree.ElementTree as ET
from typing import Any

from lesion.inference.messages import DISCLAIMER
from lesion.inference.model import Model

from export.arrays import Figures
from export.reporting.card_limits import describe_limits
from export.reporting.card_training import describe_data, describe_recipes
from export.reporting.formatting import format_interval

NAMESPACE = "https://mc.chai.org/v0.2/schema.xsd"

_REFERENCES = (
    "@article{tschandl2018, title={The {HAM10000} dataset}, author={Tschandl, P. and Rosendahl, C. and Kittler, H.}, "
    "journal={Scientific Data}, year={2018}} "
    "@article{daneshjou2022, title={Checklist for Evaluation of Image-Based Artificial Intelligence Reports in Dermatology: "
    "{CLEAR} Derm}, author={Daneshjou, R. and others}, journal={JAMA Dermatology}, year={2022}}"
)
_ALONE = "Retrospective, on held-out images of the training images' sources"
_FIGURES = {
    "AUC": "auc",
    "sensitivity at the operating threshold": "sensitivity",
    "specificity at the operating threshold": "specificity",
    "expected calibration error": "calibration_error",
    "refused": "refused",
}


def render_chai_card(model: Model, metrics: Figures, *, code_version: str) -> str:
    """Return the card as XML.

    Args:
        model: the loaded model file.
        metrics: contents of its metrics.json.
        code_version: of the code that serves it.
    """
    ET.register_namespace("", NAMESPACE)
    root = ET.Element(f"{{{NAMESPACE}}}AppliedModelCard")
    _fill(root, _content(model, metrics, code_version))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _fill(parent: ET.Element, content: list[tuple[str, Any]]) -> None:
    for name, value in content:
        element = ET.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        if isinstance(value, list):
            _fill(element, value)
        else:
            element.text = value


def _content(model: Model, metrics: Figures, code_version: str) -> list[tuple[str, Any]]:
    card, about = model.card, model.card.about
    limits = "\n".join(f"- {limit}" for limit in about["limits_of_use"])
    training = about["training"]
    malignant = ", ".join(entry.name.lower() for entry in card.classes if entry.malignant)
    return [
        (
            "BasicInfo",
            [
                ("ModelName", "Skin-lesion classifier"),
                ("ModelDeveloper", "The lesion classifier's contributors"),
                ("DeveloperContact", "The issues of the repository that contains the code"),
            ],
        ),
        (
            "ReleaseInfo",
            [
                ("ReleaseStage", "Research demonstration"),
                ("ReleaseDate", "That of the commit that published the model file"),
                ("ReleaseVersion", f"{card.version} (model), {code_version} (code)"),
                ("GlobalAvailability", f"Everywhere. Licence of the weights: {about['licence']}"),
                ("RegulatoryApproval", "None, in no country"),
            ],
        ),
        (
            "ModelSummary",
            [
                ("Summary", f"{about['intended_use']} {DISCLAIMER}"),
                ("Keywords", [("Keyword", word) for word in ("dermatology", "skin lesion", "melanoma", "calibration")]),
            ],
        ),
        (
            "UsesAndDirections",
            [
                ("IntendedUseAndWorkflow", f"{about['intended_use']} The answer is a calibrated probability or a refusal."),
                ("PrimaryIntendedUsers", "Researchers, teachers and students"),
                ("HowToUse", "Page, HTTP API, Python package or the ONNX file; see the documentation of the code."),
                ("TargetedPatientPopulation", "None: it is not for the care of patients"),
                ("CautionedOutOfScopeSettings", limits),
            ],
        ),
        (
            "Warnings",
            [
                ("KnownRisksAndLimitations", limits),
                (
                    "KnownBiasesOrEthicalConsiderations",
                    "Nearly all images show light skin. Most lesions were photographed because somebody suspected them, and "
                    "many were biopsied, so that malignant lesions are more frequent than among all spots on skin. The "
                    "source of an image is correlated with its label.",
                ),
                ("ClinicalRiskLevel", "High if it were used for decisions: a missed melanoma can be fatal"),
            ],
        ),
        (
            "TrustIngredients",
            [
                (
                    "AISystemFacts",
                    [
                        (
                            "OutcomesAndOutputs",
                            f"Probability that the lesion is malignant ({malignant}), the decision at an operating "
                            "threshold, a conformal prediction set, probabilities of the classes, an evidence map; or a "
                            "refusal.",
                        ),
                        ("ModelType", f"Convolutional neural network: {card.architecture}"),
                        ("FoundationModels", "None"),
                        ("InputDataSource", "One photograph, or several of one lesion"),
                        (
                            "OutputAndInputDataTypes",
                            f"Input: an image, seen at {card.input_size} x {card.input_size} pixels. Output: numbers.",
                        ),
                        ("DevelopmentDataCharacterization", describe_data(training)),
                        ("BiasMitigationApproaches", f"{describe_recipes(training, '')}{describe_limits(card)}"),
                        (
                            "OngoingMaintenance",
                            "None is promised. Figures are computed again for every release.",
                        ),
                        ("Security", "Images are processed in memory and neither stored nor logged."),
                        ("Transparency", f"Code and evaluation are open. SHA-256 of the model file: {model.sha256}"),
                    ],
                ),
                (
                    "TransparencyInformation",
                    [
                        ("FundingSource", "None"),
                        ("ThirdPartyInformation", "Training images: ISIC Archive and the sources named above"),
                        ("StakeholdersConsulted", "None: no patient or physician was consulted"),
                    ],
                ),
            ],
        ),
        ("KeyMetrics", _key_metrics(metrics)),
        (
            "Resources",
            [
                ("EvaluationReferences", "The model card (README.md) and metrics.json beside this file"),
                ("ClinicalTrial", "None"),
                ("PeerReviewedPublications", "None about this model"),
                ("PatientConsentOrDisclosure", "The page states what it is before a photograph is taken"),
            ],
        ),
        ("Bibliography", _REFERENCES),
    ]


def _key_metrics(metrics: Figures) -> list[tuple[str, Any]]:
    test = metrics["test"]
    whole, types = test["all"], test.get("types", {})
    described = f"{whole['n']} images of {whole['groups']} lesions, {whole['malignant']} malignant"
    usefulness = _results({"all images": whole, **{f"{name} images": part for name, part in types.items()}})
    by_source = _results(test["datasets"], ("AUC", "sensitivity at the operating threshold"))
    robust = [
        (f"{kind}, {strength}: decisions that flip", part["flips"])
        for kind, strengths in metrics.get("stress", {}).items()
        for strength, part in strengths.items()
        if isinstance(part, dict) and isinstance(part.get("flips"), dict)
    ]
    return [
        (
            "UsefulnessUsabilityEfficacy",
            _metric(
                "Distinguish malignant from benign lesions, with probabilities that are right",
                usefulness,
                f"The threshold was chosen for sensitivity. AUC {format_interval(whole['auc'])}; one view.",
                described,
                "The split by lesion keeps images of one lesion together; nothing is fitted on `test`.",
            ),
        ),
        (
            "FairnessEquity",
            _metric(
                "Figures of each source; skin tones are hardly represented",
                by_source,
                "Sources differ more than the intervals explain. Nothing is claimed for brown or black skin.",
                described,
                "No group of people is large enough to be compared, except by source of the images.",
            ),
        ),
        (
            "SafetyReliability",
            _metric(
                "Decisions should not depend on compression, rotation, crop or light",
                [_result(label, entry) for label, entry in robust] or _results({"all images": whole}, ("refused",)),
                "Decisions near the threshold change with the photograph: a single answer is no property of the skin.",
                described,
                "The same images, changed in one way each.",
            ),
        ),
    ]


def _metric(
    goal: str, results: list[tuple[str, Any]], interpretation: str, data: str, process: str
) -> list[tuple[str, Any]]:
    return [
        ("MetricGoal", goal),
        ("Results", results),
        ("Interpretation", interpretation),
        ("TestType", _ALONE),
        ("TestingDataDescription", data),
        ("ValidationProcessAndJustification", process),
    ]


def _results(parts: Figures, names: tuple[str, ...] = tuple(_FIGURES)) -> list[tuple[str, Any]]:
    return [
        _result(f"{label}: {name}", part[_FIGURES[name]])
        for label, part in parts.items()
        for name in names
        if part[_FIGURES[name]]["value"] is not None
    ]


def _result(label: str, figure: Figures) -> tuple[str, Any]:
    value = {name: figure[name] for name in ("value", "low", "high")}
    return ("MetricResult", [("Label", label), ("ValueJson", json.dumps(value))])
