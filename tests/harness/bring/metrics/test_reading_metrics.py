"""Hours paid for, from metrics and charges in the shapes of several tools; what is bad is told."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bring.bills.focus_rows import Row
from harness.bring.logs.attributing import Attribution, AttributionRule
from harness.bring.metrics.charged_hours import focus_parts
from harness.bring.metrics.reading_metrics import MetricsIntake, read_metrics
from harness.errors import UsageError
from harness.money.owned.paid import PaidEndpoint, cost_of, paid_hours
from harness.money.owned.served import ServedModel

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
HEAD = (
    "Date,Namespace,ControllerKind,ControllerName,Pod,Container,GPUs,GPUCost,TotalCost,Label_team"
)
"""opencost/opencost, pkg/costmodel/csv_export_test.go, without the columns of CPU, RAM and disk."""


def ms(hours: float) -> int:
    return int((MONDAY + timedelta(hours=hours)).timestamp() * 1000)


def scrape(name: str, labels: str, value: float, hours: float) -> str:
    return f"{name}{{{labels}}} {value} {ms(hours)}\n"


def served(counts: list[int], labels: str = 'model_name="llama",pod="llama-0"') -> str:
    """vLLM's counters at the end of each hour; each request has 900 tokens in and 100 out."""
    text, total = "", 0
    for hour, more in enumerate([0, *counts]):
        total += more
        if total:
            text += scrape(
                "vllm:request_success_total", f'{labels},finished_reason="stop"', total, hour
            )
        text += scrape("vllm:prompt_tokens_total", labels, total * 900, hour)
        text += scrape("vllm:generation_tokens_total", labels, total * 100, hour)
    return text


def read(tmp_path: Path, *texts: str, **how: object) -> dict[str, PaidEndpoint]:
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"metrics-{number}")
        paths[-1].write_text(text, encoding="utf-8")
    found = read_metrics(tuple(paths), MetricsIntake(**how))  # type: ignore[arg-type]
    return {one.name: one for one in found}


def test_counters_of_a_server_tell_used_and_idle_hours(tmp_path: Path) -> None:
    text = served([0, 0, 5, 0, 7]).replace("} 5 ", "} 5.0 ")
    priced = {"llama": ServedModel(name="llama-8b", gpus=Decimal(2), usd_per_hour=Decimal("7.8"))}
    (one,) = read(tmp_path, "# HELP vllm:prompt_tokens_total x\n" + text, models=priced).values()
    # A kind of end has no series before its first: what it had at its first scrape was before.
    assert [hour.requests for hour in one.hours] == [0, 0, None, 0, 7]
    assert one.name == "llama-8b"
    assert one.tokens == 12_000
    assert one.usd == 5 * Decimal("7.8")
    assert [hour.at for hour in one.hours] == [MONDAY + timedelta(hours=n) for n in range(5)]


def test_a_server_that_began_again_at_zero_and_two_of_one_model(tmp_path: Path) -> None:
    labels = 'model_name="llama",instance="{}"'
    first = "".join(
        scrape(name, labels.format("a"), value, hour)
        for name in ("vllm:prompt_tokens_total", "vllm:generation_tokens_total")
        for hour, value in enumerate([100, 300, 50])
    )
    second = "".join(
        scrape(name, labels.format("b"), 10 * hour, hour)
        for name in ("vllm:prompt_tokens_total", "vllm:generation_tokens_total")
        for hour in range(3)
    )
    (one,) = read(tmp_path, first + second).values()
    assert [hour.tokens for hour in one.hours] == [420, 120]
    assert [hour.paid for hour in one.hours] == [2, 2]
    assert one.requests is None
    assert one.usd is None


def test_opencost_prices_the_pods_of_a_server_and_the_gpus_that_nobody_holds(
    tmp_path: Path,
) -> None:
    gauges = "".join(
        scrape("node_gpu_hourly_cost", 'node="n1",instance="n1"', 3.5, hour)
        + scrape("node_gpu_count", 'node="n1",instance="n1"', 8, hour)
        + scrape(
            "container_gpu_allocation",
            'container="vllm",namespace="ml",node="n1",pod="llama-0",instance="n1"',
            2,
            hour,
        )
        + scrape("DCGM_FI_DEV_GPU_UTIL", 'gpu="0",pod="llama-0",namespace="ml"', 40, hour)
        for hour in (0.25, 0.75, 1.25, 1.75)
    )
    rules = Attribution(
        (AttributionRule.model_validate({"when": {"tag": "namespace:ml"}, "team": "ml"}),)
    )
    found = read(tmp_path, served([3, 0]), gauges, rules=rules)
    llama, free = found["llama"], found["n1, held by no pod"]
    assert (llama.team, llama.source) == ("ml", "OpenCost's metrics")
    assert [(hour.gpus, hour.usd, hour.busy) for hour in llama.hours] == [
        (2, 7, Decimal("0.4"))
    ] * 2
    assert [(hour.gpus, hour.usd, hour.requests) for hour in free.hours] == [(6, 21, 0)] * 2


def test_a_day_of_opencosts_table_joins_the_server_by_its_name(tmp_path: Path) -> None:
    rows = f"{HEAD}\n2026-11-23,ml,Deployment,llama,llama-0,vllm,2,60,72.5,ml\n"
    rows += "2026-11-23,web,Deployment,shop,shop-0,nginx,0,0,9.1,shop\n"
    (one,) = read(tmp_path, rows, served([1, 0])).values()
    assert one.usd == Decimal("72.5")
    assert (paid_hours(one.hours), one.team) == (24, "ml")
    assert [len(one.of(kind)) for kind in ("used", "idle", "unwatched")] == [0, 1, 23]


def allocation(**changes: object) -> dict[str, object]:
    """OpenCost's API, /allocation: opencost/opencost-website, docs/integrations/api-examples."""
    return {
        "name": "llama",
        "properties": {"namespace": "ml", "controller": "llama", "labels": {"team": "ml"}},
        "start": "2026-11-23T00:00:00Z",
        "end": "2026-11-23T06:30:00Z",
        "minutes": 390,
        "gpuCount": 2,
        "gpuHours": 13,
        "gpuCost": 45.5,
        "totalCost": 50.7,
        **changes,
    }


def test_an_allocation_of_opencost_counts_its_own_minutes(tmp_path: Path) -> None:
    idle = allocation(name="__idle__", properties={"cluster": "one"}, gpuHours=26, totalCost=90)
    none = allocation(name="web", gpuHours=0, gpuCost=0)
    answer = {"code": 200, "data": [{"llama": allocation(), "__idle__": idle, "web": none}]}
    found = read(tmp_path, json.dumps(answer), served([1, 0]))
    assert set(found) == {"llama", "one, held by no pod"}
    llama, free = found["llama"], found["one, held by no pod"]
    assert (paid_hours(llama.hours), llama.usd, llama.team) == (
        Decimal("6.5"),
        Decimal("50.7"),
        "ml",
    )
    assert {hour.gpus for hour in llama.hours} == {2}
    assert (free.requests, free.usd, {hour.gpus for hour in free.hours}) == (0, 90, {4})
    bad = {"code": 200, "data": [{"llama": allocation(minutes=0)}]}
    with pytest.raises(UsageError, match="0 minutes with 13 GPU hours are no life of a pod"):
        read(tmp_path, json.dumps(bad))


def focus(**changes: object) -> dict[str, object]:
    return {
        "BilledCost": "98.32",
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargePeriodStart": "2026-11-23T00:00:00Z",
        "ChargePeriodEnd": "2026-11-24T00:00:00Z",
        "ConsumedQuantity": "24",
        "ConsumedUnit": "Hours",
        "ResourceId": "i-1",
        "ResourceName": "llama",
        "SkuMeter": "p5.48xlarge",
        "SkuPriceDetails": json.dumps({"GpuCount": 8}),
        "Tags": json.dumps({"team": "ml", "environment": "development"}),
        **changes,
    }


def as_csv(path: Path, *rows: dict[str, object]) -> Path:
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_rows_of_focus_that_charge_hours_of_gpus(tmp_path: Path) -> None:
    path = as_csv(
        tmp_path / "bill.csv",
        focus(),
        focus(ResourceName="tokens", ConsumedUnit="Tokens", SkuPriceDetails="", SkuMeter="Input"),
        focus(ResourceName="web", SkuPriceDetails="", SkuMeter="m5.large"),
        focus(ResourceName="net", SkuPriceDetails="", SkuMeter="VpcEndpoint-Hours"),
        focus(ResourceName="lab", SkuMeter="ml.p5 Notebook"),
        focus(ResourceName="ptu", SkuPriceDetails="", SkuMeter="Provisioned Managed PTU"),
        focus(ResourceName="tax", ChargeCategory="Tax"),
    )
    found = {one.name: one for one in read_metrics((path,), MetricsIntake())}
    assert set(found) == {"llama", "ptu"}
    llama = found["llama"]
    assert (llama.usd, paid_hours(llama.hours)) == (Decimal("98.32"), 24)
    assert (llama.team, llama.environment, llama.source) == ("ml", "development", "FOCUS")
    assert {hour.gpus for hour in llama.hours} == {8}
    assert not llama.watched


def test_the_bill_counts_before_the_cluster(tmp_path: Path) -> None:
    bill = as_csv(tmp_path / "bill.csv", focus()).read_text()
    rows = f"{HEAD}\n2026-11-23,ml,Deployment,llama,llama-0,vllm,8,60,72.5,ml\n"
    (one,) = read(tmp_path, rows, bill).values()
    assert (one.usd, one.source) == (Decimal("98.32"), "OpenCost's table, FOCUS")


def test_an_answer_of_prometheus_says_the_same_as_its_lines(tmp_path: Path) -> None:
    text = served([2, 0, 4])
    series: dict[str, tuple[dict[str, str], list[list[object]]]] = {}
    for line in text.splitlines():
        name, _, rest = line.partition("{")
        labels, _, value = rest.partition("} ")
        number, at = value.split()
        metric = {
            "__name__": name,
            **dict(p.split("=") for p in labels.replace('"', "").split(",")),
        }
        series.setdefault(name + labels, (metric, []))[1].append([int(at) / 1000, number])
    result = [{"metric": metric, "values": values} for metric, values in series.values()]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    by_series = "".join(sorted(text.splitlines(keepends=True), key=lambda line: line.split("}")[0]))
    assert read(tmp_path, json.dumps(answer)) == read(tmp_path, by_series) == read(tmp_path, text)


def test_times_in_seconds_and_exemplars_are_read_as_openmetrics_has_them(tmp_path: Path) -> None:
    text = served([2, 0, 4])
    lines = [line.rsplit(" ", 1) for line in text.splitlines()]
    seconds = "".join(f'{head} {int(at) / 1000:.3f} # {{id="x"}} 0.5\n' for head, at in lines)
    whole = "".join(f"{head} {int(at) // 1000}\r\n" for head, at in lines)
    assert read(tmp_path, text) == read(tmp_path, seconds + "# EOF\n") == read(tmp_path, whole)


def test_what_is_told_twice_counts_once_in_whichever_order(tmp_path: Path) -> None:
    text = served([2, 0, 4])
    lines = text.splitlines(keepends=True)
    alone = read(tmp_path, text)
    assert read(tmp_path, text, text) == alone
    assert read(tmp_path, "".join(lines[4:]), "".join(lines[:7])) == alone


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no hours of a GPU, endpoint or model server"),
        ("a b c\n", "no hours of a GPU"),
        ('vllm:prompt_tokens_total{model_name="m"} 5.0\n', "a scrape without its time"),
        ('vllm:prompt_tokens_total{model_name="m"} -5 1764000000000\n', "'-5' is no number from 0"),
        ('vllm:prompt_tokens_total{model_name="m"} 5 999999999999999\n', "its time is none"),
        ('vllm:prompt_tokens_total{model_name="m"} 5 soon\n', "its time is none"),
        ('vllm:prompt_tokens_total{model_name="m" 5\n', "no line of Prometheus"),
        (f"{HEAD}\n2026-11-23,ml,D,llama,p,c,two,60,72.5,ml\n", "metrics-0:2: GPUs: 'two' is no"),
        (f"{HEAD}\nsoon,ml,D,llama,p,c,2,60,72.5,ml\n", "metrics-0:2: Date: 'soon' is no time"),
        (f"{HEAD}\n2026-11-23,ml,D,llama,p,c,-2,60,72.5,ml\n", "GPUs: -2 is below 0"),
        (f"{HEAD}\n9999-12-31,ml,D,llama,p,c,2,60,72.5,ml\n", "is no time of a charge"),
        ('{"data":[{"a":{"name":"a"}}]}', "metrics-0:1: gpuHours: is missing"),
        ('{"status":"success","data":{}}', "no answer of Prometheus' /api/v1/query_range"),
        ('{"data":{"result":[{"metric":{},"values":[[1,"2"]]}]}}', "a series without `__name__`"),
        ('{"data":{"result":[{"metric":{"__name__":"up"},"values":[[1e999,"2"]]}]}}', "no [time, "),
        ("{not json", "no JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_a_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ConsumedQuantity": "-3"}, "-3 hours: give the bill as it was corrected"),
        ({"BilledCost": ""}, "BilledCost: is empty"),
        ({"BillingCurrency": "EUR"}, "EUR: bills are read in USD"),
        ({"ResourceName": "", "ResourceId": ""}, "ResourceId: is empty, and no tag names"),
        ({"ChargePeriodEnd": "2028-11-24T00:00:00Z"}, "more than a year after its start"),
    ],
)
def test_a_bad_row_of_focus_is_told_with_its_line(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    path = as_csv(tmp_path / "bill.csv", focus(), focus(**changes))
    with pytest.raises(UsageError, match=r"bill\.csv:3: ") as caught:
        read_metrics((path,), MetricsIntake())
    assert told in str(caught.value)


@given(
    st.decimals("0.001", 5000, places=3),
    st.decimals(-100, 5000, places=4),
    st.integers(1, 24 * 60),
)
def test_the_hours_of_a_row_add_up_to_it(hours: Decimal, usd: Decimal, minutes: int) -> None:
    start = MONDAY + timedelta(minutes=17)
    row: Row = focus(
        ConsumedQuantity=hours,
        BilledCost=usd,
        ChargePeriodStart=start.isoformat(),
        ChargePeriodEnd=(start + timedelta(minutes=minutes)).isoformat(),
    )
    parts = list(focus_parts(row))
    assert sum((part.paid or Decimal(0) for part in parts), Decimal(0)) == hours
    assert sum((part.usd or Decimal(0) for part in parts), Decimal(0)) == usd


def test_an_endpoint_of_parts_costs_what_they_cost(tmp_path: Path) -> None:
    path = as_csv(
        tmp_path / "bill.csv", focus(), focus(BilledCost="1.01"), focus(BilledCost="0.07")
    )
    (one,) = read_metrics((path,), MetricsIntake())
    assert cost_of(one.hours) == Decimal("99.40")
    assert paid_hours(one.hours) == 72
