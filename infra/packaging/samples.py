"""Create the sample gallery: copies of the images, their thumbnails, and samples.json.

    PYTHONPATH=lambda python -m infra.packaging.samples --data FOLDER

FOLDER contains the camera originals and their metadata.csv (isic_id, diagnosis, benign_malignant, split, dataset, licence).
The result is committed; run this only to change it.
"""

import argparse
import csv
import json
import shutil
from pathlib import Path

from lesion.imaging.decode import decode
from PIL import Image

FOLDER = Path(__file__).parents[1] / "site" / "samples"
SIDE = 208
"""Side of a thumbnail in pixels: twice its size on the page, for high-density screens."""

IDS = (
    "ISIC_0000030",
    "ISIC_0010021",
    "ISIC_0000345",
    "ISIC_0010587",
    "ISIC_0000205",
    "ISIC_0000026",
    "ISIC_0001102",
    "ISIC_0009870",
    "ISIC_0000359",
    "ISIC_0010225",
    "ISIC_0000380",
    "ISIC_0010036",
)
"""Samples in the order of the gallery: shuffled, so that the position does not reveal the diagnosis."""


def main() -> None:
    """Write the gallery from the folder named on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.packaging.samples", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="camera originals and metadata.csv")
    data: Path = parser.parse_args().data
    with open(data / "metadata.csv", newline="") as file:
        rows = {row["isic_id"]: row for row in csv.DictReader(file)}
    (FOLDER / "thumbnails").mkdir(parents=True, exist_ok=True)
    samples = [_add(rows.get(name), name, number, data) for number, name in enumerate(IDS, 1)]
    text = ",\n".join("  " + json.dumps(sample) for sample in samples)
    (FOLDER / "samples.json").write_text(f"[\n{text}\n]\n")
    print(f"{len(samples)} samples in {FOLDER}")


def _add(row: dict[str, str] | None, name: str, number: int, data: Path) -> dict[str, object]:
    """Copy one image, create its thumbnail, and return its entry."""
    # Only test images, which no model was trained on, under a licence without conditions.
    if row is None or row["split"] != "test" or row["licence"] != "CC0":
        raise SystemExit(f"{name} is not a CC0 image of the test split in {data}/metadata.csv, so it cannot be a sample.")
    original = data / f"{name}.jpg"
    shutil.copyfile(original, FOLDER / original.name)
    _thumbnail(original).save(FOLDER / "thumbnails" / f"{name}.webp", quality=80, method=6)
    return {
        "id": name,
        "title": f"Sample {number}",
        "diagnosis": row["diagnosis"].replace(" ", "_"),
        "malignant": row["benign_malignant"] == "malignant",
        "image": f"/samples/{name}.jpg",
        "thumbnail": f"/samples/thumbnails/{name}.webp",
        "source": f"ISIC Archive ({row['dataset']}), {name}",
        "licence": "CC0 1.0",
    }


def _thumbnail(path: Path) -> Image.Image:
    """Return the thumbnail of the centred square, the part that the network receives."""
    image = Image.fromarray(decode(path.read_bytes()).pixels)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))


if __name__ == "__main__":
    main()
