"""Evidence maps of third-party heads: equal to the gradient, exact, and equivariant over eight views."""

import numpy as np
import onnxruntime as ort
import pytest
import timm
import torch
from lesion.imaging.decode import decode
from torch import nn

from export.errors import HeadError
from export.graph.assemble import NetworkCore, assemble, export_network, placement
from export.graph.parameters import GraphParameters
from export.nn.bodies import TimmBody
from export.nn.heads import Head, Pool, fold_layers
from export.nn.network import Spec
from export.nn.third_party import ThirdPartyNetwork
from tests.support.paths import SAMPLES

FEATURES = 12
MALIGNANT = {2: (False, True), 5: (True, False, True, False, False)}


def trained(layers: nn.Sequential) -> nn.Sequential:
    """Return layers with statistics and weights as after training."""
    with torch.no_grad():
        for layer in layers:
            if isinstance(layer, nn.BatchNorm1d):
                for tensor, low, high in (
                    (layer.weight, 0.5, 1.5),
                    (layer.bias, -0.5, 0.5),
                    (layer.running_mean, -0.5, 0.5),
                    (layer.running_var, 0.5, 1.5),
                ):
                    assert tensor is not None
                    tensor.uniform_(low, high)
    return layers.eval()


def fastai_layers(inputs: int, classes: int) -> nn.Sequential:
    """Return fastai's layers after the pooling: two blocks of batch norm, dropout and a linear layer, a ReLU between."""
    return trained(
        nn.Sequential(
            nn.BatchNorm1d(inputs),
            nn.Dropout(0.25),
            nn.Linear(inputs, 16, bias=False),
            nn.ReLU(),
            nn.BatchNorm1d(16),
            nn.Dropout(0.5),
            nn.Linear(16, classes),
        )
    )


def head(kind: str, classes: int) -> Head:
    torch.manual_seed(classes)
    pools: tuple[Pool, ...] = ("max", "mean") if kind == "concat" else ("mean",)
    inputs = FEATURES * len(pools)
    layers = nn.Sequential(nn.Linear(inputs, classes)) if kind == "linear" else fastai_layers(inputs, classes)
    return Head(pools, layers, MALIGNANT[classes]).eval()


def gated_layers(kind: str) -> nn.Sequential:
    """Return layers with a gate that is held: a layer norm, and an activation between two linear layers."""
    activation = {"hard-swish": nn.Hardswish(), "SiLU": nn.SiLU(), "GELU": nn.GELU()}[kind]
    layers = [nn.LayerNorm(FEATURES), nn.Linear(FEATURES, 16), activation, nn.LayerNorm(16), nn.Linear(16, 5)]
    with torch.random.fork_rng():
        torch.manual_seed(8)
        for layer in layers:
            if isinstance(layer, nn.LayerNorm):
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                nn.init.uniform_(layer.bias, -0.5, 0.5)
    return nn.Sequential(*layers)


@pytest.mark.parametrize("kind", ["hard-swish", "SiLU", "GELU"])
def test_evidence_holds_gates(kind: str, feature_map: torch.Tensor) -> None:
    """The evidence is the gradient of the head in which deviations and gates are constants, computed by autograd."""
    taken = Head(("mean",), gated_layers(kind), MALIGNANT[5]).double()
    values = feature_map.double().requires_grad_()
    held = values.mean((2, 3))
    for layer in taken.layers:
        if isinstance(layer, nn.LayerNorm):
            deviation = torch.sqrt(held.var(1, correction=0, keepdim=True) + layer.eps).detach()
            held = (held - held.mean(1, keepdim=True)) / deviation * layer.weight + layer.bias
        elif isinstance(layer, nn.Linear):
            held = layer(held)
        else:
            held = held * (layer(held) / held).detach()
    logit, class_logits = taken(values)
    assert torch.allclose(held, class_logits)
    [gradient] = torch.autograd.grad(taken.malignant_logit(held).sum(), values)
    explained = taken.explain(values)
    assert torch.allclose(explained.cells / 12, (gradient * values).sum(1), atol=1e-7)
    assert torch.allclose(explained.cells.mean((1, 2)) + explained.bias, logit)
    assert not torch.allclose(explained.bias, explained.bias[:1].expand(2)), "the bias depends on the image"


HEADS = [(kind, classes) for kind in ("linear", "mean", "concat") for classes in (2, 5)]


@pytest.fixture
def feature_map() -> torch.Tensor:
    """Return features (2, F, 3, 4) of both signs: fastai's DenseNet ends without a ReLU."""
    return torch.randn(2, FEATURES, 3, 4, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("kind", "classes"), HEADS)
def test_explain_equals_forward(kind: str, classes: int, feature_map: torch.Tensor) -> None:
    taken = head(kind, classes)
    logit, class_logits = taken(feature_map)
    explanation = taken.explain(feature_map)
    assert torch.allclose(explanation.class_logits, class_logits, atol=1e-5)
    assert torch.allclose(explanation.cells.mean((1, 2)) + explanation.bias, logit, atol=1e-5)


@pytest.mark.parametrize(("kind", "classes"), HEADS)
def test_evidence_is_the_gradient_by_finite_differences(kind: str, classes: int, feature_map: torch.Tensor) -> None:
    taken, values, step = head(kind, classes).double(), feature_map.double(), 1e-6
    cells = taken.explain(values).cells
    for row in range(3):
        for column in range(4):
            # Scaling a cell's features by (1 + step) moves the logit by the cell's share of the evidence.
            factor = torch.zeros(3, 4, dtype=torch.float64)
            factor[row, column] = step
            difference = (taken(values * (1 + factor))[0] - taken(values * (1 - factor))[0]) / (2 * step)
            assert torch.allclose(cells[:, row, column] / 12, difference, atol=1e-6)


@pytest.mark.parametrize(("kind", "classes"), HEADS)
def test_evidence_is_the_gradient_by_autograd(kind: str, classes: int, feature_map: torch.Tensor) -> None:
    taken, values = head(kind, classes).double(), feature_map.double().requires_grad_()
    [gradient] = torch.autograd.grad(taken(values)[0].sum(), values)
    assert torch.allclose(taken.explain(values).cells / 12, (gradient * values).sum(1), atol=1e-7)


def test_malignant_logit_is_that_of_summed_probabilities(feature_map: torch.Tensor) -> None:
    logit, class_logits = head("concat", 5)(feature_map)
    malignant = torch.softmax(class_logits, 1)[:, [0, 2]].sum(1)
    assert torch.allclose(torch.sigmoid(logit), malignant, atol=1e-6)


def test_bias_of_a_linear_head_of_two_classes_is_constant(feature_map: torch.Tensor) -> None:
    taken = head("linear", 2)
    [linear] = taken.folded
    expected = linear.bias[1] - linear.bias[0]  # type: ignore[index]  # ModuleList forgets
    assert torch.allclose(taken.explain(feature_map).bias, expected.expand(2), atol=1e-5)


def test_equal_maxima_share_the_evidence() -> None:
    taken = head("concat", 2)
    values = torch.ones(1, FEATURES, 3, 4)
    cells = taken.explain(values).cells
    assert torch.allclose(cells, cells[:, :1, :1].expand_as(cells), atol=1e-5)


def test_explain_of_large_features_is_finite(feature_map: torch.Tensor) -> None:
    taken = head("concat", 5)
    explanation = taken.explain(feature_map * 1e4)
    assert all(torch.isfinite(value).all() for value in explanation)


@pytest.mark.parametrize(
    "layers",
    [
        nn.Sequential(nn.Linear(4, 2), nn.ReLU()),
        nn.Sequential(nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 2)),
        nn.Sequential(nn.Linear(4, 2), nn.GELU(approximate="tanh"), nn.Linear(2, 2)),
        nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False), nn.Linear(4, 2)),
        nn.Sequential(),
    ],
)
def test_fold_layers_refuses_other_layers(layers: nn.Sequential) -> None:
    with pytest.raises(HeadError):
        fold_layers(layers)


def test_head_refuses_another_number_of_classes() -> None:
    with pytest.raises(HeadError, match="2 outputs for 3 classes"):
        Head(("mean",), nn.Sequential(nn.Linear(4, 2)), (True, False, False))


def classifier(kind: str, classes: int) -> ThirdPartyNetwork:
    torch.manual_seed(classes)
    body = timm.create_model("test_efficientnet", num_classes=0)
    pools: tuple[Pool, ...] = ("max", "mean") if kind == "concat" else ("mean",)
    inputs = int(body.num_features) * len(pools)  # type: ignore[arg-type]  # timm does not say
    layers = nn.Sequential(nn.Linear(inputs, classes)) if kind == "linear" else fastai_layers(inputs, classes)
    # Untrained features are small; a louder head shows differences.
    nn.init.normal_(layers.get_parameter(f"{len(layers) - 1}.weight"), std=20)
    names = tuple(f"class_{index}" for index in range(classes))
    spec = Spec("test_efficientnet", 96, names, MALIGNANT[classes], (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    return ThirdPartyNetwork(spec, TimmBody(body), Head(pools, layers, spec.malignant))


# An export takes seconds.
@pytest.mark.parametrize(
    ("kind", "classes"),
    [pytest.param(*case, marks=() if case in {("linear", 2), ("concat", 5)} else pytest.mark.slow) for case in HEADS],
)
def test_serving_graph_evidence_is_exact_for_one_and_eight_views(kind: str, classes: int) -> None:
    network = classifier(kind, classes)
    core = NetworkCore(network)
    model = assemble(export_network(core), network, GraphParameters.placeholder(core.features))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    square = decode((SAMPLES / "ISIC_0010021.jpg").read_bytes(), at_least=200).pixels[:96, :96]

    def run(pixels: np.ndarray, views: int) -> dict[str, np.ndarray]:
        feed = {"image": np.ascontiguousarray(pixels)[np.newaxis], "views": np.array(views)}
        return dict(zip(names, session.run(names, feed), strict=True))

    batch = torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1)))[None].float()
    with torch.inference_mode():
        expected = network((batch / 255 - 0.5) / 0.2)[0]
    one, eight = run(square, 1), run(square, 8)
    assert one["logit"] == pytest.approx(float(expected), abs=1e-4)
    for outputs in (one, eight):
        assert outputs["evidence"].mean() + outputs["bias"] == pytest.approx(outputs["logit"], abs=1e-4)
        assert outputs["classes"].sum() == pytest.approx(1, abs=1e-6)
        malignant = outputs["classes"][list(MALIGNANT[classes])].sum()
        assert malignant == pytest.approx(outputs["probability"], abs=1e-6)
    turned = run(np.rot90(square), 8)
    assert np.allclose(turned["evidence"], np.rot90(eight["evidence"]), atol=1e-3)
    assert not np.allclose(turned["evidence"], eight["evidence"], atol=1e-3)
    scales = (square, square[9:-9, 9:-9])
    views = [run(np.rot90(view, k), 1)["logit"] for k in range(4) for view in scales]
    assert eight["logit"] == pytest.approx(np.mean(views), abs=1e-4)


def test_evidence_of_the_middle_is_placed_in_the_middle() -> None:
    place = placement(7)
    assert np.allclose(place.sum(0), 1), "no evidence is lost"
    cells = np.ones((7, 7), np.float32)
    placed = place @ cells @ place.T
    assert placed.sum() == pytest.approx(49)
    assert np.allclose(placed[1:-1, 1:-1], 1 / 0.8**2, atol=1e-5)
    # The outermost cells end at 1/7, and the middle begins at 0.1.
    assert np.allclose(placed[0, 1:-1], (1 / 7 - 0.1) * 7 / 0.8**2, atol=1e-5)
