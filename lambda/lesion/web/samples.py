"""The sample gallery: images that come with the service, for visitors without an image of their own."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

from lesion.errors import NotFound, SettingsError


@dataclass(frozen=True)
class Sample:
    """One image of the gallery.

    Attributes:
        id: value of `GET /api/classify?sample=`; the file is `<id>.jpg` in the gallery's folder.
        title: neutral: it must not reveal the diagnosis before the classifier has answered.
        diagnosis: class code of the diagnosis that the archive records.
        malignant: whether the archive records it as malignant.
        image: address of the image on the page's origin.
        thumbnail: address of the thumbnail on the page's origin.
        source: where the image is from.
        licence: under which terms.
    """

    id: str
    title: str
    diagnosis: str
    malignant: bool
    image: str
    thumbnail: str
    source: str
    licence: str


class SampleGallery:
    """The samples in one folder; if the folder does not exist, the gallery is empty.

    Attributes:
        entries: the samples, in the order of the list.
    """

    def __init__(self, folder: Path) -> None:
        """Read `samples.json`.

        Args:
            folder: with `samples.json` and the images.

        Raises:
            SettingsError: the list is malformed, or an image that it names is missing.
        """
        self._folder = folder
        self.entries = _read_entries(folder) if folder.is_dir() else ()
        self._ids = {sample.id for sample in self.entries}

    def read_image(self, sample_id: str) -> bytes:
        """Return the bytes of a sample's file.

        Args:
            sample_id: untrusted.

        Raises:
            NotFound: there is no sample of this id.
        """
        # Only ids in the list become part of a path.
        if sample_id not in self._ids:
            raise NotFound("There is no sample of this name. GET /api/samples lists the samples.")
        return (self._folder / f"{sample_id}.jpg").read_bytes()


def _read_entries(folder: Path) -> tuple[Sample, ...]:
    path = folder / "samples.json"
    names = [field.name for field in fields(Sample)]
    try:
        entries = tuple(Sample(**{name: entry[name] for name in names}) for entry in json.loads(path.read_bytes()))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(
            f"{path} is not a list of samples ({type(error).__name__}: {error}). Each needs {', '.join(names)}. "
            "Correct it, or set LESION_SAMPLES to a folder that does not exist to serve no samples."
        ) from error
    missing = [sample.id for sample in entries if not (folder / f"{sample.id}.jpg").is_file()]
    if missing:
        raise SettingsError(
            f"{path} names {', '.join(missing)}, but {missing[0]}.jpg is not beside it. Add it, or remove it from the list."
        )
    return entries
