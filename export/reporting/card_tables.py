"""Tables and lists of the model card's technical assessment."""

from collections.abc import Iterable, Iterator

from export.arrays import Figures
from export.reporting.formatting import format_interval, format_percent

_DARK = (
    ("skin_tone", ("0 (darkest)", "1"), "images of MILK10k's tones 0 and 1"),
    ("fitzpatrick_type", ("V", "VI"), "of Fitzpatrick's types V and VI"),
)
"""Scale, its values for brown and black skin, and their name."""

ENOUGH_DARK = 400
"""Images below which no figure about such skin is claimed: with a third of them malignant, the 95 % interval of an AUC of
0.8 is 0.05 wide on either side (Hanley & McNeil 1982)."""

FEWEST = 10
"""Images of a side below which the card shows no figure of a group of people."""

_HEADINGS = ("images", "n", "malignant", "AUC", "sensitivity", "specificity", "specificity at 95 % sensitivity")


def performance_table(metrics: Figures) -> Iterable[str]:
    """Yield the lines of a table: discrimination at one split, over all images, per image type and per data set."""
    yield "| " + " | ".join(_HEADINGS) + " |"
    yield "|" + "---|" * len(_HEADINGS)
    parts = {"all": metrics["all"], "all, eight views": metrics["eight_views"]}
    for image_type, figures in metrics.get("types", {}).items():
        parts |= {f"{image_type} images": figures, f"{image_type} images, eight views": figures["eight_views"]}
    for name, part in (parts | metrics["datasets"]).items():
        keys = ("auc", "sensitivity", "specificity", "specificity_at_95_sensitivity")
        yield (
            f"| {name} | {part['n']} | {part['malignant']} | "
            + " | ".join(format_interval(part[key]) for key in keys)
            + " |"
        )


def label_table(counts: Figures) -> Iterable[str]:
    """Yield the lines of a table: images of each diagnosis by split and image type.

    Args:
        counts: of `export.evaluation.source_report.label_counts`.
    """
    splits = {split: list(types) for split, types in next(iter(counts.values())).items()}
    heads = [f"`{split}`, {name}" for split, types in splits.items() for name in types]
    yield f"| diagnosis | {' | '.join(heads)} |"
    yield "|" + "---|" * (len(heads) + 1)
    for code, by_split in counts.items():
        numbers = (str(by_split[split][name]) for split, types in splits.items() for name in types)
        yield f"| {code.replace('_', ' ')} | {' | '.join(numbers)} |"


def source_table(figures: Figures) -> Iterable[str]:
    """Yield the lines of a table: refusals and detected type by split and source.

    Args:
        figures: split -> those of `export.evaluation.source_report.source_figures`.
    """
    yield "| split | source | images | refused, one view | refused, eight views | type detected correctly |"
    yield "|---|---|---|---|---|---|"
    for split, sources in figures.items():
        for name, entry in sources.items():
            cells = [
                format_percent(entry[key]) if key in entry else "-"
                for key in ("refused", "refused_eight_views", "type_detected")
            ]
            yield f"| {split} | {name} | {entry['n']} | {' | '.join(cells)} |"


def diagnosis_table(diagnoses: Figures, by_type: Figures) -> Iterable[str]:
    """Yield the lines of a table: the share above the threshold by diagnosis, and by image type where there are two.

    Args:
        diagnoses: of `export.evaluation.split_report.diagnosis_metrics`.
        by_type: the same of each image type; empty where there is one.
    """
    types = [f"{name} images, above" for name in by_type]
    yield f"| {' | '.join(['recorded diagnosis', 'n', 'counts as', 'above the threshold', *types])} |"
    yield "|" + "---|" * (4 + len(types))
    for code, entry in diagnoses.items():
        cells = [code.replace("_", " "), str(entry["n"]), "malignant" if entry["malignant"] else "benign"]
        cells.append(format_interval(entry["above_threshold"]))
        for own in by_type.values():
            cells.append(f"{own[code]['n']}: {format_interval(own[code]['above_threshold'])}" if code in own else "-")
        yield f"| {' | '.join(cells)} |"


def subgroup_table(subgroups: Figures) -> Iterable[str]:
    """Yield the lines of a table: figures by age, sex, body site and skin, where tables record them."""
    yield "| group | n | malignant | AUC | sensitivity | specificity |"
    yield "|---|---|---|---|---|---|"
    for dimension, values in subgroups.items():
        for value, part in values.items():
            benign = part["n"] - part["malignant"]
            fewest = {"auc": min(part["malignant"], benign), "sensitivity": part["malignant"], "specificity": benign}
            cells = (format_interval(part[key]) if of >= FEWEST else "-" for key, of in fewest.items())
            yield f"| {dimension.replace('_', ' ')} {value} | {part['n']} | {part['malignant']} | {' | '.join(cells)} |"


def dark_skin_sentence(metrics: Figures) -> str:
    """Return how many images of `test` and `val` show brown or black skin, as far as tables say so."""
    parts, total = [], 0
    for scale, values, name in _DARK:
        counts = [
            sum(part["n"] for value, part in metrics[split].get("subgroups", {}).get(scale, {}).items() if value in values)
            for split in ("test", "val")
        ]
        parts.append(f"{counts[0]} and {counts[1]} {name}")
        total += sum(counts)
    few = " These are too few for a figure about such skin." if total < ENOUGH_DARK else ""
    return (
        f"No figure of this table rests on fewer than {FEWEST} images of a side. Brown and black skin, where recorded: "
        f"`test` and `val` have {', '.join(parts)}.{few}"
    )


def precision_table(metrics: Figures) -> Iterable[str]:
    """Yield the lines of a table: size, speed and agreement of each numeric precision."""
    yield "| precision | MB | one run, ms | AUC (val) | AUC change | flipped decisions | malignant images lost | gate |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, part in metrics.items():
        change = part["auc_change"]
        yield (
            f"| {name} | {part['bytes'] / 1e6:.1f} | {part['milliseconds']:.1f} | {part['auc']:.4f} | "
            f"{change['value']:+.4f} ({change['low']:+.4f} to {change['high']:+.4f}) | {part['flips']} | "
            f"{part['malignant_lost']} | {'passes' if part['passes'] else 'fails'} |"
        )


def robustness_table(metrics: Figures) -> Iterable[str]:
    """Yield the lines of a table: AUC change and flipped decisions per perturbation."""
    yield "| perturbation | images | AUC | AUC change | flipped decisions | additionally refused |"
    yield "|---|---|---|---|---|---|"
    for kind, strengths in metrics.items():
        for strength, part in strengths.items():
            change, flips = part["auc_change"], format_percent(part["flips"])
            yield (
                f"| {kind} {strength} | {part['n']} | {part['auc']['value']:.3f} | {change['value']:+.4f} "
                f"({change['low']:+.4f} to {change['high']:+.4f}) | {flips} | {part['newly_refused']:.1%} |"
            )


def faithfulness_list(metrics: Figures) -> Iterable[str]:
    """Yield the lines of a list: deletion, weight randomisation and localisation of the evidence map."""
    for share, part in metrics["deletion"].items():
        yield (
            f"- Deletion: blurring the {share} of cells with most evidence moves the logit by "
            f"{format_interval(part['by_evidence'])} towards the other side; random cells move it by "
            f"{format_interval(part['random'])}. The move is larger than for random cells in "
            f"{format_percent(part['further_than_random'])} of images."
        )
    yield (
        f"- Rank correlation with the map of randomised weights: "
        f"{format_interval(metrics['correlation_with_shuffled_weights'])}; with the map of the mirrored image: "
        f"{format_interval(metrics['correlation_with_mirrored_view'])}."
    )
    lesion = metrics["lesion"]
    yield (
        f"- Localisation: {format_percent(lesion['evidence_inside'])} of the absolute evidence lies inside the lesion, "
        f"which covers {format_percent(lesion['area'])} of the image (means over the {lesion['n']} of {metrics['n']} images "
        "with a plausible lesion segmentation). The share inside is, in the mean of the images, "
        f"{format_interval(lesion['ratio'])} times what chance would give."
    )


def unseen_table(sources: Figures) -> Iterator[str]:
    """Yield the lines of the table of `export.evaluation.leave_source_out.unseen_figures`."""
    yield (
        "| left out | images | malignant | AUC | calibration slope | calibration error | if right | coverage, malignant | "
        "benign | `val`: AUC without | with it |"
    )
    yield "|" + "---|" * 11
    for name, part in sources.items():
        cells = [
            format_interval(part["auc"]),
            format_interval(part["calibration_slope"]),
            format_interval(part["calibration_error"]),
            format_interval(part["calibration_error_if_right"]),
            format_interval(part["coverage"]["malignant"]),
            format_interval(part["coverage"]["benign"]),
            f"{format_interval(part['val']['unseen'])} of {part['val']['n']}",
            format_interval(part["val"]["seen"]),
        ]
        yield f"| {name} | {part['n']} | {part['malignant']} | {' | '.join(cells)} |"
