"""Errors of `export`.

CheckpointError
|- UnpickleError        the file is damaged or hostile
|- ClassesError         the meaning of the outputs is unclear
|- HeadError            the head is not piecewise linear
`- ArchitectureError    the body cannot be built
DataError               the data folder cannot be used
ParityError             the exported graph differs from PyTorch
QuantisationError       a network cannot be stored in int8, or not in time
ReportError             a report cannot be written
Interrupted             a person stopped the command
"""


class CheckpointError(Exception):
    """Raised when a checkpoint cannot be read; the message names what is expected instead."""


class UnpickleError(CheckpointError):
    """Raised when a pickle is damaged, or contains something that no checkpoint needs."""


class ClassesError(CheckpointError):
    """Raised when the meaning of a network's outputs is unclear; the message names the option that states it."""


class HeadError(CheckpointError):
    """Raised when a head has layers for which there is no exact evidence map."""


class ArchitectureError(CheckpointError):
    """Raised when no known architecture has the tensors of a checkpoint, or has them in another structure."""


class DataError(Exception):
    """Raised when a data folder cannot be used; the message names what is missing or wrong."""


class ParityError(Exception):
    """Raised when the exported graph and PyTorch have different outputs; nothing is written then."""


class ReportError(Exception):
    """Raised when a report cannot be written; the message says what to do."""


class Interrupted(KeyboardInterrupt):
    """Raised when a person stops a command; the message says what is kept and how to go on."""


class QuantisationError(Exception):
    """Raised when a network cannot be stored in int8, or not in the given time; another precision is used then."""
