"""Costs are computed from the prices, from measured durations and from what the template contains."""

import json
from statistics import median

import pytest

from infra.dev.cost import ALARM_METRICS, PredictionLoad, firewall_month, idle_costs, optional_costs, prediction_costs
from infra.dev.prices import price
from tests.support.cdk import Assembly
from tests.support.paths import REPOSITORY


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
    kept = optional_costs(PredictionLoad(memory_mb=1024))["Option `provisioned_concurrency`, each"]
    assert kept == pytest.approx(30 * 86_400 * 0.0000041667)


def test_the_idle_bill_is_what_the_template_creates(plain: Assembly) -> None:
    """Key, secret and alarms: each of them has a price without a request."""
    assert len(plain.resources("AWS::KMS::Key")) == len(plain.resources("AWS::SecretsManager::Secret")) == 1
    alarms = [item["Properties"] for item in plain.resources("AWS::CloudWatch::Alarm").values()]
    metrics = [[item for item in alarm.get("Metrics", ("",)) if not item or "MetricStat" in item] for alarm in alarms]
    assert sum(map(len, metrics)) == ALARM_METRICS
    with_key, without = sum(idle_costs().values()), sum(idle_costs(topic_key=False).values())
    assert with_key - without == pytest.approx(price("key_month"))
    assert without == pytest.approx(0.40 + 0.04 + 0.10)


def test_without_the_key_the_template_has_none(stopped: Assembly) -> None:
    assert not stopped.resources("AWS::KMS::Key")
    assert "KmsMasterKeyId" not in stopped.only("AWS::SNS::Topic")


def test_the_firewall_costs_what_its_rules_cost(full: Assembly) -> None:
    rules = full.only("AWS::WAFv2::WebACL", "LesionEdge-eu-central-1")["Rules"]
    assert firewall_month() == price("waf_acl_month") + len(rules) * price("waf_rule_month")
