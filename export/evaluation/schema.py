"""Types of the figures that `export.evaluation` computes; those in metrics.json are a contract with page and service."""

from typing import NotRequired, TypedDict


class IntervalJson(TypedDict):
    """An estimate with its 95 % interval, rounded to four digits; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


class PairScore(TypedDict):
    """Discrimination of melanoma and nevus by one score."""

    auc: IntervalJson
    sensitivity_at_specificity_0926: IntervalJson


class MelanomaNevus(PairScore):
    """Discrimination of melanoma and nevus by the probability of malignancy.

    `as_one_of_both` restricts the classification to the two diagnoses, where the model has both of them.
    """

    n: int
    melanoma: int
    as_one_of_both: NotRequired[PairScore]


class Coverage(TypedDict):
    """Share of images of each side whose prediction set contains that side."""

    malignant: IntervalJson
    benign: IntervalJson


class ImageSetMetrics(TypedDict):
    """Metrics of one set of images.

    `calibration_error_if_right` is the calibration error that perfectly calibrated probabilities have by chance, `uncertain`
    the share of prediction sets with both sides, `melanoma_sensitivity` the share of melanomas above the threshold.
    """

    n: int
    malignant: int
    groups: int
    auc: IntervalJson
    sensitivity: IntervalJson
    specificity: IntervalJson
    melanoma_sensitivity: IntervalJson
    specificity_at_95_sensitivity: IntervalJson
    calibration_error: IntervalJson
    calibration_error_if_right: IntervalJson
    calibration_slope: IntervalJson
    melanoma_nevus: MelanomaNevus
    balanced_accuracy: IntervalJson
    coverage: Coverage
    uncertain: IntervalJson
    refused: IntervalJson
    malignant_among_refused: int


class DiagnosisMetrics(TypedDict):
    """Images with one recorded diagnosis, and the share of them above the threshold."""

    n: int
    malignant: bool
    above_threshold: IntervalJson


class PredictiveValues(TypedDict):
    """Predictive values at one prevalence."""

    positive: float | None
    negative: float | None


class Curves(TypedDict):
    """Points (x, y) of the ROC curve and of the reliability diagram."""

    roc: list[tuple[float, float]]
    reliability: list[tuple[float, float]]


class ViewsGain(TypedDict):
    """Differences of metrics between eight views and one, on the same images."""

    auc: IntervalJson
    specificity_at_95_sensitivity: IntervalJson
    calibration_error: IntervalJson


class DetectionMetrics(TypedDict):
    """Detection of the image type: mean over both types of the share detected correctly, that share by type, and AUC."""

    accuracy: IntervalJson
    dermoscopic: IntervalJson
    clinical: IntervalJson
    auc: IntervalJson


class TypeMetrics(ImageSetMetrics):
    """Metrics of the images of one recorded type, whatever type the model detects."""

    predictive_values: dict[str, PredictiveValues]
    eight_views: NotRequired[ImageSetMetrics]
    eight_views_gain: NotRequired[ViewsGain]


class PartMetrics(TypedDict):
    """Metrics of a part of the images, which may be small."""

    n: int
    malignant: int
    auc: IntervalJson
    sensitivity: IntervalJson
    specificity: IntervalJson
    refused: IntervalJson


Subgroups = dict[str, dict[str, PartMetrics]]
"""Dimension (`export.data.attributes`) -> value -> metrics of the images that it is recorded for."""


class SplitMetrics(TypedDict):
    """Metrics of one split; the keys of the dictionaries are data sets, image types, diagnosis codes and prevalences.

    A data set with images of both types has two entries in `datasets`: "NAME, dermoscopic" and "NAME, clinical".
    `types` is there if the images are of both types, `image_type_detection` if the model distinguishes them as well,
    `subgroups` if tables say something about the people; files of format 1 have none.
    """

    all: ImageSetMetrics
    datasets: dict[str, ImageSetMetrics]
    types: NotRequired[dict[str, TypeMetrics]]
    image_type_detection: NotRequired[DetectionMetrics]
    diagnoses: dict[str, DiagnosisMetrics]
    predictive_values: dict[str, PredictiveValues]
    curves: Curves
    subgroups: NotRequired[Subgroups]
    eight_views: NotRequired[ImageSetMetrics]
    eight_views_gain: NotRequired[ViewsGain]


class RefusalCounts(TypedDict):
    """Share of images that are refused, and number of images by refusal code."""

    refused: float
    codes: dict[str, int]


class OodMetrics(RefusalCounts):
    """Metrics of one folder of out-of-distribution images with one view; `eight_views` is there from format 2 on."""

    n: int
    distance_auroc: float
    eight_views: NotRequired[RefusalCounts]


class PrecisionMetrics(TypedDict):
    """Changes by a numeric precision; `malignant_lost` counts malignant images that fall below the threshold."""

    auc: float
    auc_change: IntervalJson
    largest_logit_difference: float
    flips: int
    malignant_lost: int
    passes: bool


class AnswerMetrics(TypedDict):
    """Metrics of one way to answer; `uncertain` is the share of prediction sets with both sides."""

    auc: IntervalJson
    sensitivity: IntervalJson
    specificity: IntervalJson
    specificity_at_95_sensitivity: IntervalJson
    log_loss: IntervalJson
    coverage_malignant: IntervalJson
    coverage_benign: IntervalJson
    uncertain: IntervalJson


class LesionMetrics(TypedDict):
    """Metrics of lesions with several images.

    `single` are those of an image drawn at random from each lesion, `single_by_type` the same of the images of one type,
    `gain` the differences combined - single on the same resamples. `agreement` is the share of the lesions with at least two
    accepted images whose images are all on one side of their thresholds, `agreeing_correct` the share of right decisions
    among them.
    """

    lesions: int
    malignant: int
    images: int
    refused_images: int
    refused_lesions: int
    single: AnswerMetrics
    single_by_type: dict[str, AnswerMetrics]
    combined: AnswerMetrics
    gain: AnswerMetrics
    agreement: IntervalJson
    agreeing_correct: IntervalJson
    disagreeing_correct: IntervalJson
