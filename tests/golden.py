"""Golden outputs of the shipped model for the sample images, in golden.json: `python -m tests.golden` writes the file.

Run it after the model file was replaced, and read the difference before the commit: a change of the decoder, of the runtime
or of the graph shows as a changed number. Imports nothing of pytest, because an emulated processor runs it too.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from lesion.imaging.decode import Pixels, decode
from lesion.inference.model import Model, Outputs
from lesion.settings import Settings

from tests.support.paths import SAMPLES

FILE = Path(__file__).with_name("golden.json")


def block_means(pixels: Pixels, blocks: int = 4) -> list[list[list[float]]]:
    """Return the mean colour of 4 x 4 blocks of (H, W, 3) pixels: small, and sensitive to colour, crop and orientation."""
    return [
        [[round(float(mean), 2) for mean in part.mean((0, 1))] for part in np.array_split(band, blocks, axis=1)]
        for band in np.array_split(pixels, blocks, axis=0)
    ]


def rounded(outputs: Outputs) -> dict[str, Any]:
    """Return the outputs of one image by name, rounded to five decimals, without those that the model's format lacks."""
    values = {name: value for name, value in vars(outputs).items() if name not in ("image_type", "views")}
    return {name: np.round(np.asarray(value, np.float64), 5).tolist() for name, value in values.items() if value is not None}


def observe(model: Model, path: Path) -> dict[str, Any]:
    """Decode and classify one image as the service does; return its sizes, block means and outputs."""
    image = decode(path.read_bytes(), at_least=2 * model.card.input_size)
    return {
        "size": [image.width, image.height],
        "decoded": list(image.pixels.shape),
        "block_means": block_means(image.pixels),
        "one_view": rounded(model.run(image.pixels)),
        "eight_views": rounded(model.run(image.pixels, views=8)),
    }


def outputs_of_samples(names: Collection[str]) -> dict[str, Any]:
    """Return the rounded outputs of the shipped model for these sample images, by name."""
    model = Model(Settings.model)
    size = 2 * model.card.input_size
    return {name: rounded(model.run(decode((SAMPLES / f"{name}.jpg").read_bytes(), at_least=size).pixels)) for name in names}


def main() -> None:
    """Write golden.json."""
    model = Model(Settings.model)
    values = {path.stem: observe(model, path) for path in sorted(SAMPLES.glob("*.jpg"))}
    FILE.write_text(json.dumps({"model_sha256": model.sha256, "images": values}, indent=1) + "\n")


if __name__ == "__main__":
    main()
