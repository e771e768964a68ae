"""This project's API behind uvicorn, as `make serve` runs it, without the page."""

from lesion.inference.model import Model
from lesion.settings import read_settings
from lesion.web.api import create_app

_settings = read_settings()
app = create_app(_settings, Model(_settings.model, threads=_settings.threads))
