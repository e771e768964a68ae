"""The exception tree, and the problem each expected exception becomes (RFC 9457).

LesionError                      anything this package raises on purpose
├── ModelFileError               the model file is missing, foreign or broken: the service must not start
├── ModelFault                   the model gave something that is no number: answered as a fault
├── SettingsError                an environment variable cannot be understood: the service must not start
└── RequestError                 the caller can do something about it: answered as problem+json
    ├── MissingFile        422   no image in the request
    ├── InvalidParameter   422   a query parameter is out of its range
    ├── TooLarge           413   more bytes or pixels than the service takes
    ├── UnsupportedFormat  415   not one of the image formats
    ├── InvalidImage       400   the right format, but broken
    ├── InvalidRequest     400   the request itself cannot be read
    ├── NotFound           404   no such sample or route
    ├── MethodNotAllowed   405   the route exists, for another method
    ├── UrlNotAllowed      403   the address is not on the allow-list
    ├── WrongOrigin        403   the request did not come through CloudFront
    └── FetchFailed        502   the address is allowed but gave no image

Anything else that escapes is a fault: logged without personal data, answered as 500, never with a number.
"""

from typing import ClassVar


class LesionError(Exception):
    """Base of every exception that this package raises on purpose."""


class ModelFileError(LesionError):
    """Raised when the model file is missing, is not one of ours, or lacks something that serving needs."""


class ModelFault(LesionError):
    """Raised when the model gives infinity or no number at all for a photograph: no answer can be made of that."""


class SettingsError(LesionError):
    """Raised when an environment variable has a value that cannot be understood."""


class RequestError(LesionError):
    """Raised for what the caller can mend; the message is a sentence that says how."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid_request"
    title: ClassVar[str] = "The request cannot be read"


class InvalidRequest(RequestError):
    """Raised when the request's body or headers do not follow their format."""


class MissingFile(RequestError):
    """Raised when a classification is asked for and no image came with the request."""

    status = 422
    code = "missing_file"
    title = "No image in the request"


class InvalidParameter(RequestError):
    """Raised when a query parameter has a value outside its range."""

    status = 422
    code = "invalid_parameter"
    title = "A parameter is out of range"


class TooLarge(RequestError):
    """Raised when the upload has more bytes, or the image more pixels, than the service takes."""

    status = 413
    code = "too_large"
    title = "The image is too large"


class UnsupportedFormat(RequestError):
    """Raised when the bytes are not one of the image formats that the service reads."""

    status = 415
    code = "unsupported_format"
    title = "Not a supported image format"


class InvalidImage(RequestError):
    """Raised when the bytes claim to be an image and cannot be decoded completely."""

    status = 400
    code = "invalid_image"
    title = "The image is broken"


class NotFound(RequestError):
    """Raised when a sample or a route does not exist."""

    status = 404
    code = "not_found"
    title = "Not found"


class MethodNotAllowed(RequestError):
    """Raised when a route exists and does not take the request's method."""

    status = 405
    code = "method_not_allowed"
    title = "Another method is needed"


class UrlNotAllowed(RequestError):
    """Raised when an address may not be fetched under this service's settings."""

    status = 403
    code = "url_not_allowed"
    title = "This address may not be fetched"


class WrongOrigin(RequestError):
    """Raised when a request reaches the function past the service's own address."""

    status = 403
    code = "wrong_origin"
    title = "Not the service's own address"


class FetchFailed(RequestError):
    """Raised when an allowed address did not give an image in time and size."""

    status = 502
    code = "fetch_failed"
    title = "The address gave no image"
