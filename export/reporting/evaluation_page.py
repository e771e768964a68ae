"""report/index.html: the figures of `python -m export evaluate` as one page, without scripts and without other files."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from lesion.inference.model import Model

from export.arrays import Figures
from export.data.labels import LabelledImage
from export.data.summary import DataSummary
from export.reporting.formatting import format_interval, format_percent

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #8888; padding: .25rem .75rem; text-align: left; vertical-align: top; }
td { font-variant-numeric: tabular-nums; }
img { max-width: 100%; background: white; }
:root { color-scheme: light dark; }
"""
_ALT = {
    "roc": "ROC curve: sensitivity against 1 - specificity",
    "reliability": "Share of malignant images against calibrated probability",
    "confusion": "Most probable against recorded diagnosis, in images",
}
_SHOWN_FAILURES = 200


def evaluation_page(
    model: Model,
    name: str,
    summary: DataSummary,
    figures: Figures,
    plots: Mapping[str, str],
    failed: Mapping[LabelledImage, str],
) -> str:
    """Return the page as HTML.

    Args:
        model: the evaluated model.
        name: name of its file.
        summary: of the data.
        figures: content of metrics.json.
        plots: name of `_ALT` -> `data:` URL.
        failed: image -> why it could not be read.
    """
    title = f"Evaluation of {name}"
    parts = "\n".join(_parts(model, summary, figures, plots, failed))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style></head><body>\n<h1>{escape(title)}</h1>\n{parts}\n</body></html>\n"
    )


def _parts(
    model: Model,
    summary: DataSummary,
    figures: Figures,
    plots: Mapping[str, str],
    failed: Mapping[LabelledImage, str],
) -> Iterator[str]:
    whole, selection = figures["all"], figures["selection"]
    yield _text(
        f"Model {model.card.version}, sha256 {model.sha256}. {whole['n']} images ({selection}), {whole['malignant']} "
        f"malignant, {whole['groups']} lesions or patients, {figures['views']} view(s). Research only; not a medical device."
    )
    yield _text(
        "Figures in brackets are 95 % intervals, bootstrapped over lesions or patients (1,000 draws). If the model was "
        "trained or calibrated on some of these images, the figures are too high for new ones. Refused images count with "
        "the probability that the model has for them."
    )
    yield "<h2>Figures</h2>"
    yield _table(("", "value"), _main_rows(whole))
    for key, url in plots.items():
        heading = {"roc": "ROC", "reliability": "Calibration", "confusion": "Confusion"}[key]
        yield f'<h2>{heading}</h2>\n<img src="{url}" alt="{_ALT[key]}">'
    yield "<h2>Per diagnosis</h2>"
    yield _table(
        ("recorded diagnosis", "images", "counts as", "above the threshold"),
        (
            (
                code.replace("_", " "),
                part["n"],
                "malignant" if part["malignant"] else "benign",
                _share(part["above_threshold"]),
            )
            for code, part in figures["diagnoses"].items()
        ),
    )
    parts = {"source": figures["sources"], "image type": figures["image_types"], "split": figures["splits"]}
    for name, own in (parts | figures["subgroups"]).items():
        yield f"<h2>Per {name.replace('_', ' ')}</h2>"
        yield _table(
            ("", "images", "malignant", "AUC", "sensitivity", "specificity", "refused"),
            (
                (
                    *(name, part["n"], part["malignant"], format_interval(part["auc"])),
                    *(_share(part[metric]) for metric in ("sensitivity", "specificity", "refused")),
                )
                for name, part in own.items()
            ),
        )
    yield "<h2>Failures</h2>"
    yield from _failures(figures, failed)
    yield "<h2>Data</h2>"
    yield "<ul>" + "".join(f"<li>{escape(line.strip())}</li>" for line in summary.lines()) + "</ul>"


def _main_rows(whole: Figures) -> Iterator[tuple[str, str]]:
    yield "AUC, malignant against benign", format_interval(whole["auc"])
    yield "sensitivity at the operating threshold", _share(whole["sensitivity"])
    yield "specificity at the operating threshold", _share(whole["specificity"])
    yield "specificity at 95 % sensitivity", _share(whole["specificity_at_95_sensitivity"])
    yield "expected calibration error", format_interval(whole["calibration_error"])
    yield "the same by chance, if calibration were perfect", format_interval(whole["calibration_error_if_right"])
    for side, part in whole["coverage"].items():
        yield f"coverage of the prediction sets, {side}", _share(part)
    yield "prediction sets with both sides", _share(whole["uncertain"])
    yield "balanced accuracy over the diagnoses", format_interval(whole["balanced_accuracy"])
    yield "refused", _share(whole["refused"])
    yield "malignant images among the refused", str(whole["malignant_among_refused"])


def _failures(figures: Figures, failed: Mapping[LabelledImage, str]) -> Iterator[str]:
    refusals = ", ".join(f"{code} {count}" for code, count in figures["refusals"].items()) or "none"
    yield _text(f"Refused by the model: {refusals}.")
    if not failed:
        yield _text("Every image could be read.")
        return
    reasons = "; ".join(f"{reason} ({count})" for reason, count in Counter(failed.values()).most_common(5))
    yield _text(f"{len(failed)} images could not be read and are in no figure: {reasons}")
    yield _table(("image", "reason"), ((row.path.name, reason) for row, reason in list(failed.items())[:_SHOWN_FAILURES]))


def _share(entry: Figures) -> str:
    return format_percent(entry) if entry["low"] is not None else "-" if entry["value"] is None else f"{entry['value']:.1%}"


def _text(sentence: str) -> str:
    return f"<p>{escape(sentence)}</p>"


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
