"""Every amount of US dollars in the documents is computed, and sizes in the tables are those of the published files."""

import re
from pathlib import Path

import pytest

from infra.config import Settings, settings_table
from infra.dev.attack import LARGEST_FILE_MB, PRIVATE_MODE_MB, attacks, plan_table
from infra.dev.cost_docs import MARK, documents, figures, filled
from infra.packaging.bundle import assemble


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_marked_figures_are_those_of_the_prices(path: Path) -> None:
    assert path.read_text() == filled(path.read_text()), "Run `python -m infra.dev.cost_docs`."


def test_every_figure_stands_in_a_document() -> None:
    marked = {found[2] for path in documents() for found in MARK.finditer(path.read_text())}
    assert marked == figures().keys()


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_no_amount_stands_outside_of_a_mark(path: Path) -> None:
    text = MARK.sub("", path.read_text().replace(settings_table(), ""))
    assert re.findall(r"(?:USD|\$) ?\d[\d.,]*|\d[\d.,]* ?USD", text) == []


def test_sizes_are_those_of_the_published_files() -> None:
    """Within a tenth: a new model has a slightly different size."""
    site = assemble()
    sizes = {path.relative_to(site).as_posix(): path.stat().st_size / 1e6 for path in site.rglob("*") if path.is_file()}
    private = sum(size for name, size in sizes.items() if re.fullmatch(r"private/(lesion|runtime)-.*\.gz", name))
    assert max(sizes.values()) == pytest.approx(LARGEST_FILE_MB, rel=0.1)
    assert private == pytest.approx(PRIVATE_MODE_MB, rel=0.1)


def test_a_line_of_a_gigabit_costs_what_it_transfers() -> None:
    """450 * 10^9 bytes an hour are 419.1 GiB."""
    download, *_ = attacks(Settings())
    assert download.usd == pytest.approx(419.095 * 0.085 + 450e9 / (LARGEST_FILE_MB * 1e6) * 1e-6, rel=1e-4)


def test_the_firewall_limits_what_one_address_costs() -> None:
    few, many = (attacks(Settings(waf_page_requests=limit))[5].usd for limit in (100, 1000))
    assert many == pytest.approx(10 * few)


def test_the_function_is_limited_by_its_reservation() -> None:
    small, large = (attacks(Settings(reserved_concurrency=count))[4].usd for count in (1, 11))
    assert large - small == pytest.approx(10 * 3600 * 1769 / 1024 * 0.0000166667)


def test_usage_within_the_free_amounts_costs_nothing() -> None:
    first, *_, attack = plan_table().splitlines()[2:]
    assert first.endswith("| 0.00 | 0.00 |") and "beyond its allowance" in attack
