"""The cost tables are what the prices and the measured duration give, and the documentation holds them."""

import json
from statistics import median

import pytest

from infra.dev.cost import PRICES_AS_OF, PredictionLoad, cost_tables, monthly_costs, prediction_costs
from tests.support.paths import REPOSITORY


def test_the_documentation_holds_the_tables_and_the_date() -> None:
    text = (REPOSITORY / "docs" / "operations.md").read_text()
    assert cost_tables(PredictionLoad()) in text
    assert f"as known in {PRICES_AS_OF}" in text


def test_the_durations_are_those_that_were_measured_in_the_image() -> None:
    docs, usual = REPOSITORY / "docs" / "benchmarks", PredictionLoad()
    warm = json.loads((docs / "memory-size.json").read_text())[str(usual.memory_mb)]["1024 x 768"]
    starts = json.loads((docs / "cold-start.json").read_text())
    first = [
        start["answered"] for start in starts if (start["kind"], start["memory"]) == ("classification", usual.memory_mb)
    ]
    assert usual.ms == pytest.approx(median(warm), rel=0.25)
    assert usual.init_ms == pytest.approx(1000 * median(first), rel=0.25)


def test_a_million_of_one_second_and_one_gigabyte_costs_the_list_price() -> None:
    parts = prediction_costs(PredictionLoad(ms=1000, cold=0, memory_mb=1024))
    assert 1e6 * parts["Lambda, duration"] == pytest.approx(16.6667)
    assert 1e6 * parts["Lambda, requests"] == pytest.approx(0.20)


def test_milliseconds_are_billed_whole_and_starts_are_billed_too() -> None:
    one = prediction_costs(PredictionLoad(ms=1, cold=0))["Lambda, duration"]
    assert prediction_costs(PredictionLoad(ms=0.2, cold=0))["Lambda, duration"] == one
    assert prediction_costs(PredictionLoad(ms=1, cold=0.5, init_ms=20))["Lambda, duration"] == pytest.approx(11 * one)


@pytest.mark.parametrize(("kb", "requests"), [(1, 1), (512, 1), (513, 2), (4500, 9)])
def test_the_gateway_counts_each_begun_512_kb(kb: float, requests: int) -> None:
    assert 1e6 * prediction_costs(PredictionLoad(photo_kb=kb))["HTTP API"] == pytest.approx(requests)


def test_keeping_one_started_for_a_month() -> None:
    kept = monthly_costs(PredictionLoad(memory_mb=1024))["Option `provisioned_concurrency`, each"]
    assert kept == pytest.approx(30 * 86_400 * 0.0000041667)
