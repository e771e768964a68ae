"""Errors of reading checkpoints.

CheckpointError
|- UnpickleError        the file is damaged, or asks for what no checkpoint needs
|- ClassesError         it is not clear what the outputs mean
|- HeadError            the head is not piecewise linear
`- ArchitectureError    the body is not one that can be built
"""


class CheckpointError(Exception):
    """Raised when a checkpoint cannot be read; the message says what is expected instead."""


class UnpickleError(CheckpointError):
    """Raised when a pickle is damaged, or asks for something that no checkpoint needs."""


class ClassesError(CheckpointError):
    """Raised when it is not clear what the outputs of a network mean; the message says which option tells it."""


class HeadError(CheckpointError):
    """Raised when a head is not made of what can be taken apart."""


class ArchitectureError(CheckpointError):
    """Raised when no known architecture has the tensors of a checkpoint, or the one that has them is of another kind."""


class DataError(Exception):
    """Raised when a data folder cannot be used; the message says what is missing or wrong."""


class ParityError(Exception):
    """Raised when the graph does not answer what PyTorch does; nothing is written then."""
