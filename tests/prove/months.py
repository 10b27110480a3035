"""The interval of a saving, drawn again from a record's tokens by the seed of its evidence."""

from collections.abc import Iterator

import numpy as np

from tests.prove.hashing import Json

KINDS = ("input", "cache_read", "cache_write", "output")
ENDS = ("monthly_lower", "monthly_upper", "after_discounts_lower", "after_discounts_upper")


def month(part: Json, rates: Json, traffic: Json, of: np.ndarray, asked: float) -> np.ndarray:
    """USD of each draw: long requests pay the prices of their length, all a least price."""
    read, wrote = float(traffic["cached_share"]), float(traffic["cache_written_share"])
    shares, total = (1 - read - wrote, read, wrote), np.zeros(len(of))
    each, least = (asked * float(rates[name]) for name in ("per_request", "minimum_per_request"))
    grown, answers = (of[:, k] * of[0, k + 2] / of[:, k + 2] / max(of[0, k], 1) + (of[0, k] == 0)
                      for k in (0, 1))  # fmt: skip
    for one in part:
        tokens, usd = float(one["input_tokens"]) * grown, np.zeros(len(of))
        counts = [*(tokens * share for share in shares), float(one["output_tokens"]) * answers]
        for tier in ({**rates, "from_input_tokens": 0}, *rates["tiers"]):
            price = sum(n * float(tier[kind]) for n, kind in zip(counts, KINDS, strict=True)) / 1e6
            usd = np.where(tokens >= tier["from_input_tokens"], price, usd)
        total += one["cases"] * np.maximum(usd + each, least) / sum(one["cases"] for one in part)
    return total * (1 + float(traffic["retry_rate"])) * traffic["requests_per_month"]


def of_saving(record: Json, _: Json) -> Iterator[tuple[str, float, float]]:
    """What the record says of the saving's ends, and what its tokens give."""
    saved, now = record["savings"] or {}, record["current_cost"]
    chosen = [o for o in record["options"] if o["target"]["option"] == record["chosen"]]
    if not saved.get("units") or not chosen:
        return
    (option,) = chosen
    parts, again = [(option["cost"]["portions"], option["cost"]["rates"], 1.0)], option["cascade"]
    if again:
        of, share = again["month"], again["month"]["gone_on"] / again["month"]["cases"]
        parts = [(of["first"], of["first_rates"], 1.0), (of["again"], now["rates"], share)]
    units = np.array([unit.split("/") for unit in saved["units"].split(" ")], np.int64)
    rng = np.random.default_rng(int(record["evidence"]["seed"], 16))
    drawn = rng.multinomial(len(units), np.full(len(units), 1 / len(units)), 2000) @ units
    drawn = np.vstack([units.sum(axis=0), drawn[(drawn[:, 2] > 0) & (drawn[:, 3] > 0)]])
    months = [month(part, rates, record["traffic"], drawn[:, 4 * k : 4 * k + 4], asked)
              for k, (part, rates, asked) in enumerate(parts)]  # fmt: skip
    paid = [usd * (1 - float(part[1]["discount"])) for usd, part in zip(months, parts, strict=True)]
    low, bill = (len(drawn) - 1) * 25 // 1000, now["monthly_after_discounts"]
    ends = [np.sort(float(today) - sum(spent)[1:])[[low, -1 - low]]
            for today, spent in ((now["monthly"], months), (bill, paid))]  # fmt: skip
    yield from ((f"savings: {name}", float(saved[name]), end)
                for name, end in zip(ENDS, np.concatenate(ends), strict=True))  # fmt: skip
