"""DICOM files with patient data, for tests of the batch; writing them needs pydicom."""

import warnings
from io import BytesIO
from typing import Any

from PIL import Image

DERMOSCOPIC, PHOTOGRAPHIC, CT = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("77.1.7", "77.1.4", "2"))
EXPLICIT, BASELINE, JPEG_LS, JPEG_2000 = "1.2.840.10008.1.2.1", *(f"1.2.840.10008.1.2.4.{end}" for end in (50, 80, 90))
PATIENT = "Svensson^Anna"


def dicom(pixels: bytes, photo: Image.Image, syntax: str = EXPLICIT, sop_class: str = DERMOSCOPIC, **elements: Any) -> bytes:
    """Return a DICOM file with patient data; `pixels` is raw, or one compressed frame."""
    # pydicom warns of the date, which is meant to be invalid.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _dicom(pixels, photo, syntax, sop_class, elements)


def _dicom(pixels: bytes, photo: Image.Image, syntax: str, sop_class: str, elements: dict[str, Any]) -> bytes:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), UID("1.2.3")
    meta.TransferSyntaxUID = UID(syntax)
    dataset = FileDataset(BytesIO(), {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = UID(sop_class), UID("1.2.3")
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT, "19450312-1234", "no date"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.Rows, dataset.Columns = photo.height, photo.width
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    for name, value in elements.items():
        setattr(dataset, name, value)
    dataset.PixelData = pixels if syntax == EXPLICIT else encapsulate([pixels])
    dataset["PixelData"].VR = "OB"
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
