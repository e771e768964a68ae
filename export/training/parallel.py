"""Several processes that train one network, as `torchrun` starts them: each computes its share of every batch.

    torchrun --nproc-per-node 4 -m export train --data DATA --out runs/x

Gradients are averaged before each step, and the statistics of batch norms after it, so that all processes hold the same
network. The batch of a phase is that of all processes together. Without `torchrun` there is one process, as always.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
from torch import distributed, nn
from torch.utils.data import BatchSampler

Value = TypeVar("Value")


@dataclass(frozen=True)
class Processes:
    """The processes of one training.

    Attributes:
        rank: number of this process, from 0.
        count: number of processes.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def join(cls, device: torch.device, environment: Mapping[str, str] = os.environ) -> "Processes":
        """Join the processes that `torchrun` describes in the environment; alone without it.

        Args:
            device: that this process trains on.
            environment: names and values of environment variables.
        """
        count = int(environment.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls()
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(distributed.get_rank(), count)

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def share(self, batches: BatchSampler) -> "BatchSampler | SharedBatches":
        """Return the places of this process's share of each batch; the sampler itself for one process."""
        return batches if self.count == 1 else SharedBatches(batches, self)

    def average_gradients(self, network: nn.Module) -> None:
        """Replace the gradients of all processes by their mean."""
        if self.count > 1:
            self._average([weight.grad for weight in network.parameters() if weight.grad is not None])

    def average_statistics(self, network: nn.Module) -> None:
        """Replace the running statistics of all processes by their mean."""
        if self.count > 1:
            self._average([buffer for buffer in network.buffers() if buffer.is_floating_point()])

    def first_says(self, value: Value | None) -> Value:
        """Return what the first process gives to all of them.

        Args:
            value: of the first process; the others' values are ignored.
        """
        if self.count == 1:
            return cast(Value, value)
        values: list[Any] = [value]
        distributed.broadcast_object_list(values)
        return cast(Value, values[0])

    def _average(self, tensors: list[torch.Tensor]) -> None:
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.count
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))


class SharedBatches:
    """Every `count`-th place of each batch, from the rank on; all processes draw the same batches."""

    def __init__(self, batches: BatchSampler, processes: Processes) -> None:
        """Divide the batches of a sampler."""
        self._batches, self._processes = batches, processes

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this process's places of each batch."""
        for places in self._batches:
            yield places[self._processes.rank :: self._processes.count]
