"""The learning rate of each step, and the phase of each epoch."""

import math
from collections.abc import Iterator, Sequence

from export.checkpoints.recipe import Phase

WARM_UP = 0.05
"""Share of all steps during which the learning rate rises."""


def learning_rate(step: int, steps: int, highest: float) -> float:
    """Return the learning rate of a step: a linear rise, then one cosine down to zero (Loshchilov & Hutter 2017).

    Args:
        step: its number, from 0.
        steps: of the whole run, over all phases.
        highest: the learning rate at the end of the rise.
    """
    done = step / max(steps, 1)
    if done < WARM_UP:
        return highest * (done / WARM_UP)
    return highest * ((1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))) / 2)


def total_steps(phases: Sequence[Phase], images: int) -> int:
    """Return the number of steps of a run on so many images; each epoch drops its last, incomplete batch."""
    return sum(phase.epochs * (images // phase.batch) for phase in phases)


def epochs(phases: Sequence[Phase]) -> Iterator[tuple[int, Phase]]:
    """Yield the number of each epoch, from 0, and its phase."""
    return enumerate(phase for phase in phases for _ in range(phase.epochs))
