"""What the shipped model answers to the sample photographs, written down once: `python -m tests.golden` writes it anew.

Run it after the model file was replaced, and read the difference before committing it: a change of the decoder, of the
runtime or of the graph shows here as a changed number.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from lesion.imaging.decode import Pixels, decode
from lesion.inference.model import Model, Outputs
from lesion.settings import Settings

from tests.support.paths import SAMPLES

FILE = Path(__file__).with_name("golden.json")


def block_means(pixels: Pixels, blocks: int = 4) -> list[list[list[float]]]:
    """Mean colour of 4 x 4 blocks of H x W x 3 pixels: small, and moved by any change of colour, crop or orientation."""
    return [
        [[round(float(mean), 2) for mean in part.mean((0, 1))] for part in np.array_split(band, blocks, axis=1)]
        for band in np.array_split(pixels, blocks, axis=0)
    ]


def numbers(outputs: Outputs) -> dict[str, Any]:
    """All numbers of one answer, rounded to five digits."""
    return {name: np.round(np.asarray(value, np.float64), 5).tolist() for name, value in vars(outputs).items()}


def observe(model: Model, path: Path) -> dict[str, Any]:
    """Decode and classify one photograph as the service does."""
    photograph = decode(path.read_bytes(), at_least=2 * model.card.input_size)
    return {
        "size": [photograph.width, photograph.height],
        "decoded": list(photograph.pixels.shape),
        "block_means": block_means(photograph.pixels),
        "one_view": numbers(model.run(photograph.pixels)),
        "eight_views": numbers(model.run(photograph.pixels, views=8)),
    }


def main() -> None:
    """Write golden.json."""
    model = Model(Settings.model)
    found = {path.stem: observe(model, path) for path in sorted(SAMPLES.glob("*.jpg"))}
    FILE.write_text(json.dumps({"model_sha256": model.sha256, "photographs": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
