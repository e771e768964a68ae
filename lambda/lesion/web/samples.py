"""The sample gallery: photographs that come with the service, so that it can be tried without one's own."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

from lesion.errors import NotFound, SettingsError


@dataclass(frozen=True)
class Sample:
    """One photograph of the gallery.

    Attributes:
        id: its name in `GET /api/classify?sample=`; the file is `<id>.jpg` in the gallery's folder.
        title: neutral: it must not tell the diagnosis before the classifier has answered.
        diagnosis: class code of the diagnosis that the archive records.
        malignant: whether the archive records it as malignant.
        image, thumbnail: addresses on the page's origin.
        source, licence: where the photograph is from, and under which terms.
    """

    id: str
    title: str
    diagnosis: str
    malignant: bool
    image: str
    thumbnail: str
    source: str
    licence: str


class Samples:
    """The gallery in one folder; a folder that does not exist is an empty gallery."""

    def __init__(self, folder: Path) -> None:
        """Read `samples.json` in `folder`.

        Raises:
            SettingsError: the list cannot be read, or names a photograph that is not there.
        """
        self._folder = folder
        self.entries = _read(folder) if folder.is_dir() else ()
        self._ids = {sample.id for sample in self.entries}

    def photograph(self, name: str) -> bytes:
        """The file's bytes.

        Raises:
            NotFound: no sample of this name.
        """
        # Only names in the list become a path: what a stranger sends never does.
        if name not in self._ids:
            raise NotFound("There is no sample of this name. GET /api/samples lists the samples.")
        return (self._folder / f"{name}.jpg").read_bytes()


def _read(folder: Path) -> tuple[Sample, ...]:
    path = folder / "samples.json"
    names = [field.name for field in fields(Sample)]
    try:
        entries = tuple(Sample(**{name: entry[name] for name in names}) for entry in json.loads(path.read_bytes()))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(
            f"{path} is not a list of samples ({type(error).__name__}: {error}). Each needs {', '.join(names)}. "
            "Mend it, or set LESION_SAMPLES to a folder that does not exist to do without samples."
        ) from error
    missing = [sample.id for sample in entries if not (folder / f"{sample.id}.jpg").is_file()]
    if missing:
        raise SettingsError(
            f"{path} names {', '.join(missing)}, but {missing[0]}.jpg is not beside it. Add it, or take it off the list."
        )
    return entries
