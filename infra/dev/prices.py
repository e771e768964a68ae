"""List prices of AWS from infra/prices.json, each with its date, region and source.

`python -m infra.dev.prices` replaces them by those of AWS's public price list, which needs no account. A price that is not
found there, or not once, stays as it is and is named; the command then ends with 1.

The price list is described on https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html
"""

import json
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "prices.json"
REGION = "us-east-1"
LIST = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{offer}/current/{region}index.json"
REGIONLESS = ("AmazonCloudFront", "awswaf")
"""Offers of which the price list has one file for all regions."""
SECONDS = 120

Entry = dict[str, Any]


class PriceError(Exception):
    """Raised if the price list does not state a price exactly once; the message says what was found."""


@cache
def entries() -> Mapping[str, Entry]:
    """Return the entries of infra/prices.json by name: usd, unit, region, date, source, and where the price list has it."""
    found: dict[str, Entry] = json.loads(FILE.read_text())["prices"]
    return found


def price(name: str) -> float:
    """Return a price in US dollars per its unit."""
    return float(entries()[name]["usd"])


def allowance(name: str) -> float:
    """Return an amount that is not billed, in its unit."""
    return float(json.loads(FILE.read_text())["allowances"][name]["amount"])


def as_of() -> str:
    """Return the date of the oldest price, as a year and a month or a day."""
    return str(min(entry["date"] for entry in entries().values()))


def address(offer: str) -> str:
    """Return the URL of an offer's current prices."""
    return LIST.format(offer=offer, region="" if offer in REGIONLESS else f"{REGION}/")


def listed_price(offer: Mapping[str, Any], usage: str) -> float:
    """Return the price of a usage type in an offer file, in US dollars.

    Where the price falls with the amount, it is the first that is not free. The usage types of some services start with a
    code of the region.

    Raises:
        PriceError: there is no such usage type, or it has more than one price.
    """
    pattern = re.compile(rf"([A-Z]+\d*-)?{re.escape(usage)}")
    matching = [
        sku for sku, product in offer["products"].items() if pattern.fullmatch(product["attributes"].get("usagetype", ""))
    ]
    found = {amount for sku in matching for amount in _first_amounts(offer["terms"]["OnDemand"].get(sku, {}))}
    if len(found) != 1:
        raise PriceError(f"{offer['offerCode']} states {len(found)} prices for {usage}, not one.")
    return found.pop()


def _first_amounts(terms: Mapping[str, Any]) -> Iterator[float]:
    for term in terms.values():
        tiers = sorted(term["priceDimensions"].values(), key=lambda tier: float(tier.get("beginRange", 0)))
        amounts = [float(tier["pricePerUnit"]["USD"]) for tier in tiers]
        yield from [amount for amount in amounts if amount > 0][:1]


def updated(known: Mapping[str, Entry], read: Callable[[str], Any]) -> tuple[dict[str, Entry], list[str]]:
    """Return the entries with the current prices, and a sentence for each that was not found.

    Args:
        known: entries of infra/prices.json.
        read: returns the parsed JSON document of a URL.
    """
    offers: dict[str, Any] = {}
    result, problems = {}, []
    for name, entry in known.items():
        result[name] = entry
        if "offer" not in entry:
            problems.append(f"{name}: AWS's price list does not contain it. Compare it with {entry['source']}.")
            continue
        url = address(entry["offer"])
        try:
            offer = offers[url] = offers.get(url) or read(url)
            usd = listed_price(offer, entry["usage"])
        except (PriceError, OSError) as error:
            problems.append(f"{name}: {error} It stays as of {entry['date']}.")
            continue
        result[name] = {**entry, "usd": usd, "date": offer["publicationDate"][:10], "source": url}
    return result, problems


def _read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return json.load(answer)


def main(read: Callable[[str], Any] = _read, file: Path = FILE) -> int:
    """Update the file. Return 1, with a sentence for each price that was not found, if any was not."""
    document = json.loads(file.read_text())
    document["prices"], problems = updated(document["prices"], read)
    file.write_text(json.dumps(document, indent=2) + "\n")
    print("\n".join(problems), file=sys.stderr)
    print(f"{len(document['prices']) - len(problems)} of {len(document['prices'])} prices were read.")
    print("Run `python -m infra.dev.cost_docs` next: it computes the figures of the documents again.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
