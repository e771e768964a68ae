"""The exception tree, and the problem (RFC 9457) that each expected exception becomes.

LesionError                      every exception that this package raises on purpose
├── ModelFileError               the model file is missing, foreign or corrupt: the service must not start
├── InferenceError               the model returned NaN or infinity: answered as an unhandled error
├── SettingsError                an environment variable has an invalid value: the service must not start
└── RequestError                 the caller can correct it: answered as problem+json
    ├── MissingFile           422   no image in the request
    ├── TooManyImages         422   more images than one request may have
    ├── InvalidParameter      422   a query parameter is out of its range
    ├── UnsupportedImageType  422  the model has no operating point for the given image type
    ├── TooLarge              413   more bytes or pixels than the service accepts
    ├── UnsupportedFormat     415   not one of the image formats
    ├── InvalidImage          400   a supported format, but truncated or corrupt
    ├── InvalidRequest        400   a malformed request
    ├── NotFound              404   no such sample or route
    ├── MethodNotAllowed      405   the route exists, for another method
    ├── UrlNotAllowed         403   the URL is not on the allow-list
    ├── WrongOrigin           403   the request did not come through CloudFront
    ├── TooManyRequests       429   more requests than one address may send (answered by the firewall)
    └── FetchFailed           502   the URL is allowed but returned no image

Any other exception is an unhandled error: logged without personal data, answered with status 500 and without a prediction.
"""

from typing import ClassVar


class LesionError(Exception):
    """Base of every exception that this package raises on purpose."""


class ModelFileError(LesionError):
    """Raised when the model file is missing, was not written by this project, or lacks something that serving needs."""


class InferenceError(LesionError):
    """Raised when the model returns NaN or infinity for an image, which leaves nothing to answer with."""


class SettingsError(LesionError):
    """Raised when an environment variable has an invalid value."""


class RequestError(LesionError):
    """Raised for an error that the caller can correct; the message is a sentence that says how.

    Attributes:
        status: HTTP status of the answer.
        code: stable identifier for programs, in snake case.
        title: short description, the same for every error of this code.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid_request"
    title: ClassVar[str] = "The request cannot be read"


class InvalidRequest(RequestError):
    """Raised when the request's body or headers are malformed."""


class MissingFile(RequestError):
    """Raised when a request for a classification contains no image."""

    status = 422
    code = "missing_file"
    title = "No image in the request"


class TooManyImages(RequestError):
    """Raised when a form has more images than the service combines into one answer."""

    status = 422
    code = "too_many_images"
    title = "Too many images in the request"


class InvalidParameter(RequestError):
    """Raised when a query parameter has a value outside its range."""

    status = 422
    code = "invalid_parameter"
    title = "A parameter is out of range"


class UnsupportedImageType(RequestError):
    """Raised when the model has no operating point for the image type that the request names."""

    status = 422
    code = "unsupported_image_type"
    title = "The model does not support this image type"


class TooLarge(RequestError):
    """Raised when the upload has more bytes, or the image more pixels, than the service accepts."""

    status = 413
    code = "too_large"
    title = "The image is too large"


class UnsupportedFormat(RequestError):
    """Raised when the bytes are not one of the supported image formats."""

    status = 415
    code = "unsupported_format"
    title = "Not a supported image format"


class InvalidImage(RequestError):
    """Raised when an image of a supported format is truncated or corrupt."""

    status = 400
    code = "invalid_image"
    title = "The image is truncated or corrupt"


class NotFound(RequestError):
    """Raised when a sample or a route does not exist."""

    status = 404
    code = "not_found"
    title = "Not found"


class MethodNotAllowed(RequestError):
    """Raised when a route exists, but not for the request's method."""

    status = 405
    code = "method_not_allowed"
    title = "Another method is needed"


class UrlNotAllowed(RequestError):
    """Raised when the settings do not allow a URL to be fetched."""

    status = 403
    code = "url_not_allowed"
    title = "This address may not be fetched"


class WrongOrigin(RequestError):
    """Raised when a request reaches the function without passing through CloudFront."""

    status = 403
    code = "wrong_origin"
    title = "Not the service's own address"


class TooManyRequests(RequestError):
    """Describes the firewall's answer to an address that sends too many requests; `infra.stacks.edge` uses it."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"


class FetchFailed(RequestError):
    """Raised when an allowed URL did not return an image within the limits of time and size."""

    status = 502
    code = "fetch_failed"
    title = "The address returned no image"
