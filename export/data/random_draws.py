"""Random numbers of a batch of images: on their device, or on the CPU for numbers that decide shapes."""

import torch


class RandomDraws:
    """Uniform random numbers from two generators."""

    def __init__(self, generator: torch.Generator, host: torch.Generator) -> None:
        """Use two generators; on the CPU, both may be the same.

        Args:
            generator: of the device that the images are on.
            host: of the CPU, for numbers that decide shapes, so that nothing waits for the device.
        """
        self.generator, self.host = generator, host

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Return numbers of a shape on the device."""
        return torch.rand(shape, generator=self.generator, device=self.generator.device) * (high - low) + low

    def booleans(self, share: float, count: int) -> torch.Tensor:
        """Return bool (count, 1, 1, 1) on the device, each true with the probability `share`."""
        return self.uniform(0, 1, count, 1, 1, 1) < share

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return one number, drawn on the CPU."""
        return float(torch.rand((), generator=self.host)) * (high - low) + low
