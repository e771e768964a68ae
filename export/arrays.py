"""Type aliases of numpy arrays and of JSON figures that all of `export` uses."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
"""Scores, probabilities, logits and weights of images: computations in double precision."""

Floats = npt.NDArray[np.float32]
"""Weights and outputs of a network, in the precision in which the graph computes."""

Mask = npt.NDArray[np.bool_]
"""One flag for each image or pixel."""

Labels = npt.NDArray[np.str_]
"""One name for each image: its diagnosis code, its data set, its lesion group."""

Figures = dict[str, Any]
"""Measured values by name, as they are written to JSON: numbers, strings, lists, None and further dicts."""
