"""Networks of timm and torchvision from checkpoint to answer: `python -m tests.benchmarks.architectures --data DATA`.

Each architecture is trained from random weights for two epochs by a plain loop, as a researcher's own code would, and saved
as a bare `state_dict` of its library. The checkpoint is then converted in float32 by `lesion convert`, which compares it
with PyTorch; the file is served; and the deletion test of `lesion faithful` shows whether its evidence map is faithful,
which adding up to the logit does not show. Writes docs/benchmarks/architectures.md and .json.
"""

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import timm
import torch
import torchvision
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from sklearn.metrics import roc_auc_score
from starlette.testclient import TestClient
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from export.checkpoints.third_party import IMAGENET_MEAN, IMAGENET_STD
from export.console import main as lesion
from export.data.labels import LabelledImage
from export.data.tables import read_table
from export.data.transforms import load_square
from export.evaluation.faithfulness import measure_faithfulness
from export.evaluation.predictions import predict
from export.nn.autocast import autocast
from tests.support.paths import REPOSITORY

SIDE = 224
EPOCHS = 2
BATCH = 16
RATE = 3e-4
SEED = 23
MAX_PARITY, MAX_GAP = 1e-4, 1e-5
"""Largest difference of a logit to PyTorch, and of the evidence's mean and bias to the logit."""


def _timm(name: str, **options: Any) -> Callable[[], nn.Module]:
    return lambda: timm.create_model(name, num_classes=2, **options)


def _torchvision(name: str) -> Callable[[], nn.Module]:
    return lambda: cast(nn.Module, torchvision.models.get_model(name, num_classes=2))


NETWORKS: Mapping[tuple[str, str], Callable[[], nn.Module]] = {
    ("timm", "swin_tiny_patch4_window7_224"): _timm("swin_tiny_patch4_window7_224"),
    ("torchvision", "swin_t"): _torchvision("swin_t"),
    ("timm", "convnext_tiny"): _timm("convnext_tiny"),
    ("torchvision", "convnext_tiny"): _torchvision("convnext_tiny"),
    # torchvision's smallest ViT is ViT-B, and its ViTs classify by a token without a place.
    ("timm", "vit_small_patch16_224"): _timm("vit_small_patch16_224", global_pool="avg", class_token=False),
    ("timm", "mobilenetv3_large_100"): _timm("mobilenetv3_large_100"),
    ("torchvision", "mobilenet_v3_large"): _torchvision("mobilenet_v3_large"),
    ("timm", "efficientnet_b0"): _timm("efficientnet_b0"),
    ("torchvision", "efficientnet_b0"): _torchvision("efficientnet_b0"),
    ("timm", "resnet18"): _timm("resnet18"),
    ("torchvision", "resnet18"): _torchvision("resnet18"),
    ("timm", "densenet121"): _timm("densenet121"),
    ("torchvision", "densenet121"): _torchvision("densenet121"),
}

_PAGE = """# Architectures

Written by `python -m tests.benchmarks.architectures --data DATA`. Each network starts from random weights and sees
{train} images of `train` in two epochs ({side} px, AdamW, a plain loop), so that its AUC says little about the architecture.
`lesion convert --numbers float32` converts the bare `state_dict` with {val} images of `val`. Parity: largest difference of a
logit to PyTorch. Adding up: largest |mean of the cells + bias - logit|. Deletion: how far the logit of {test} images of
`test` moves to the other side when the 20 % of the cells with the most evidence are blurred, against as many random cells,
and in which share of the images it moves further; with 95 % intervals.

| library | architecture | AUC | parity | adding up | deletion | at random | further in | file |
|---|---|---|---|---|---|---|---|---|
{rows}
"""


def draw(rows: Sequence[LabelledImage], split: str, count: int) -> list[LabelledImage]:
    """Return images of a split, half of them malignant, evenly spaced in the table and one for each lesion."""
    chosen = []
    for malignant in (False, True):
        lesions = {row.group: row for row in rows if row.split == split and row.malignant == malignant}
        found = list(lesions.values())
        chosen += found[:: max(len(found) // (count // 2), 1)][: count // 2]
    return chosen


def write_table(rows: Sequence[LabelledImage], path: Path) -> None:
    """Write a table of images, in the columns of the ISIC Archive's earlier tables, with their files beside it."""
    table = [
        {
            "isic_id": row.isic_id,
            "benign_malignant": "malignant" if row.malignant else "benign",
            "diagnosis": row.diagnosis,
            "dataset": row.dataset,
            "lesion_group": row.group,
            "split": row.split,
        }
        for row in rows
    ]
    with (path / "metadata.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    (path / "images").mkdir()
    for row in rows:
        (path / "images" / row.path.name).symlink_to(row.path.resolve())


def train(network: nn.Module, rows: Sequence[LabelledImage]) -> None:
    """Train a network with two outputs, benign and malignant, in the way of a tutorial."""
    squares = torch.stack([load_square(row.path, SIDE) for row in rows])
    labels = torch.tensor([int(row.malignant) for row in rows])
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    optimizer = torch.optim.AdamW(network.parameters(), RATE)
    network.train()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(rows)).split(BATCH):
            pixels = (squares[batch].float() / 255 - mean) / std
            with autocast(pixels.device):
                answers = network(pixels)
            optimizer.zero_grad()
            cross_entropy(answers.float(), labels[batch]).backward()
            optimizer.step()
    network.eval()


def serve(path: Path, image: Path) -> dict[str, Any]:
    """Return the service's answer of a model file for an image."""
    settings = Settings()
    client = TestClient(create_app(settings, Model(path)), base_url="https://testserver")
    with image.open("rb") as file:
        answer = client.post("/api/classify", files={"file": file})
    answer.raise_for_status()
    return cast(dict[str, Any], answer.json())


def measure(arch: str, build: Callable[[], nn.Module], data: Path, rows: Sequence[LabelledImage]) -> dict[str, Any]:
    """Train, convert, serve and measure one network; return its figures."""
    torch.manual_seed(SEED)
    network = build()
    start = time.perf_counter()
    train(network, [row for row in rows if row.split == "train"])
    trained = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint, file = folder / "weights.pth", folder / "model" / "lesion.onnx"
        torch.save(network.state_dict(), checkpoint)
        stated = ["--arch", arch, "--classes", "benign", "malignant", "--size", str(SIDE)]
        command = [
            "convert",
            str(checkpoint),
            "--data",
            str(data),
            *stated,
            "--numbers",
            "float32",
            "--out",
            str(file),
            "--yes",
        ]
        if lesion(command):
            raise RuntimeError(f"{arch} was not converted.")
        converted = time.perf_counter()
        parity = json.loads((file.parent / "metrics.json").read_text())["parity"]
        test = [row for row in rows if row.split == "test"]
        figures = measure_faithfulness(file, test)
        answer = serve(file, test[0].path)
        predictions = predict(Model(file), test)
        return {
            "parameters": sum(weight.numel() for weight in network.parameters()),
            "megabytes": file.stat().st_size / 1e6,
            "parity": parity,
            "evidence": figures,
            "auc": float(roc_auc_score(predictions.malignant, predictions.scalar("logit"))),
            "served": answer["outcome"] if "outcome" in answer else sorted(answer),
            "train_seconds": trained - start,
            "convert_seconds": converted - trained,
        }


def row_of(name: str, figures: Mapping[str, Any]) -> str:
    """Return the line of the table of one network, whose name is its library and architecture."""
    library, arch = name.split()
    parity, deletion = figures["parity"], figures["evidence"]["deletion"]["20%"]
    by_evidence, random, further = (deletion[key] for key in ("by_evidence", "random", "further_than_random"))

    def interval(of: Mapping[str, Any], form: str) -> str:
        return f"{of['value']:{form}} ({of['low']:{form}} to {of['high']:{form}})"

    cells = (
        *(library, arch, f"{figures['auc']:.2f}", f"{parity['max_logit_difference']:.1e}"),
        *(f"{parity['max_evidence_gap']:.1e}", interval(by_evidence, ".3f"), interval(random, ".3f")),
        *(interval(further, ".0%"), f"{figures['megabytes']:.0f} MB"),
    )
    return f"| {' | '.join(cells)} |"


def main(args: argparse.Namespace) -> None:
    """Measure the networks and write the page.

    Raises:
        RuntimeError: a network was not converted, or beyond the bounds.
    """
    rows = read_table(args.data)
    chosen = [row for split, count in args.images.items() for row in draw(rows, split, count)]
    results_file = REPOSITORY / "docs" / "benchmarks" / "architectures.json"
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        write_table(chosen, Path(name))
        for (library, arch), build in tqdm(NETWORKS.items(), unit="network"):
            if args.only and arch not in args.only:
                continue
            results[f"{library} {arch}"] = measured = measure(arch, build, Path(name), chosen)
            print(row_of(f"{library} {arch}", measured))
    if beyond := [
        name
        for name, figures in results.items()
        if figures["parity"]["max_logit_difference"] > MAX_PARITY or figures["parity"]["max_evidence_gap"] > MAX_GAP
    ]:
        raise RuntimeError(f"Beyond {MAX_PARITY} or {MAX_GAP}: {', '.join(beyond)}")
    if args.only:
        return
    results_file.write_text(json.dumps({"images": args.images, "networks": results}, indent=2) + "\n")
    lines = [row_of(name, figures) for name, figures in results.items()]
    page = _PAGE.format(side=SIDE, rows="\n".join(lines), **args.images)
    results_file.with_suffix(".md").write_text(page)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with images and metadata.csv")
    parser.add_argument("--only", nargs="+", help="architectures; prints and writes nothing")
    for split, number in (("train", 600), ("val", 240), ("test", 60)):
        parser.add_argument(f"--{split}", type=int, default=number, help="images (default: %(default)s)")
    arguments = parser.parse_args()
    arguments.images = {"train": arguments.train, "val": arguments.val, "test": arguments.test}
    main(arguments)
