"""Texts of the service for people, whichever model it runs; a model's own limits and figures are in its file."""

DISCLAIMER = (
    "Research demonstration. Not a medical device, not approved by any authority. It cannot tell you whether you have "
    "skin cancer: if a spot is new, changing, bleeding or worries you, see a doctor."
)

DESCRIPTION = (
    "Classifies a photo of one skin lesion. The answer contains a calibrated probability that the lesion is malignant, the "
    "decision at an operating threshold, the likely classes and an evidence map; or a refusal if the photo cannot be "
    "classified."
)

ABOUT = (
    "This open research demonstration shows how a classifier of skin lesions can be served: its answer, its uncertainty, "
    "the evidence in the photo, and when it should not answer.",
    "The model was trained on dermoscopic images, taken through a lens on the skin, and on close-ups by ordinary cameras, "
    "mostly of light skin. Overviews of the skin and darker skin differ from these images, and the published figures do not "
    "hold for them.",
    "Photos are processed in memory and discarded: neither they nor their names are stored or logged.",
    DISCLAIMER,
)

REFUSALS = {
    "too_small": "The photo is too small to analyse. Send the original photo, or take one from closer.",
    "too_dark": "The photo is too dark to analyse. Take it again in daylight or with the light on.",
    "too_blurry": "The photo is too blurred to analyse. Hold still, let the camera focus, and take it again.",
    "not_a_lesion": (
        "This does not look like the close-up photos of skin lesions that the model was trained on. "
        "Send a sharp close-up with one lesion in the middle."
    ),
    "unstable": (
        "The result changes when the same photo is rotated or enlarged, so it would not be reliable. "
        "Take the photo again, straight from above and in even light."
    ),
}
"""Message by refusal code."""

_OTHER_REFUSAL = "The model cannot analyse this photo. Send a sharp, well-lit close-up with one lesion in the middle."


def refusal_message(code: str) -> str:
    """Return the message for a person whose photo is refused.

    Args:
        code: refusal code of the model file; another model may bring codes that are not in `REFUSALS`.
    """
    return REFUSALS.get(code, _OTHER_REFUSAL)


def image_label(number: int, count: int) -> str:
    """Return the beginning of a sentence about one of several images.

    The number is its position in the form: a file's name may be personal, so no answer contains it.

    Args:
        number: from 1.
        count: images of the request.
    """
    return f"Image {number} of {count}"
