"""What the service says of itself, whichever model it runs; a model's own limits and figures are in its file."""

DISCLAIMER = (
    "Research demonstration. Not a medical device, not approved by any authority. It cannot tell you whether you have "
    "skin cancer: if a spot is new, changing, bleeding or worries you, see a doctor."
)

DESCRIPTION = (
    "From a photograph of one skin lesion: a calibrated probability that it is malignant, the decision at an operating "
    "threshold, the likely classes, and a map of the evidence; or a refusal where the photograph cannot be judged."
)

ABOUT = (
    "This is an open research demonstration of how a classifier of skin lesions can be served: what it answers, how sure it "
    "is, what in the photograph speaks for it, and when it should not answer at all.",
    "The model learned from dermoscopic images, taken with a lens laid onto the skin, mostly of light skin. Photographs "
    "of a telephone's camera and of darker skin differ from these, and its figures do not hold for them.",
    "Photographs are judged in memory and forgotten: neither they nor their names are stored or logged.",
    DISCLAIMER,
)
