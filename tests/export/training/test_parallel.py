"""Several processes train one network: their shares are a whole batch, and their steps are those of it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import BatchSampler, SequentialSampler

from export.checkpoints.reader import read_checkpoint
from export.training.parallel import Processes
from tests.support.paths import REPOSITORY

_ONE_STEP = """
import sys, torch
from torch import nn
from export.training.parallel import Processes

processes = Processes.join(torch.device("cpu"))
torch.manual_seed(1)
network, images, labels = nn.Linear(5, 1), torch.randn(8, 5), torch.rand(8, 1)
loss = nn.functional.mse_loss
loss(network(images), labels).backward()
whole = network.weight.grad.clone()
network.zero_grad()
places = next(iter(processes.share([list(range(8))])))
loss(network(images[places]), labels[places]).backward()
assert not torch.allclose(network.weight.grad, whole)
processes.average_gradients(network)
assert torch.allclose(network.weight.grad, whole, atol=1e-6)
norm = nn.BatchNorm1d(5)
norm(images[places])
processes.average_statistics(norm)
assert torch.allclose(norm.running_mean, 0.1 * images.mean(0), atol=1e-6)
assert processes.first_says({"rank": processes.rank}) == {"rank": 0}
if len(sys.argv) > 1:
    from export.console import main
    sys.exit(main(sys.argv[1:]))
"""


def test_shares_are_the_whole_batch() -> None:
    batches = BatchSampler(SequentialSampler(range(7)), 3, drop_last=True)
    shares = [list(Processes(rank, 2).share(batches)) for rank in range(2)]
    assert shares == [[[0, 2], [3, 5]], [[1], [4]]]
    assert Processes().share(batches) is batches and len(Processes(0, 2).share(batches)) == 2


def test_one_process_changes_nothing() -> None:
    processes, network = Processes.join(torch.device("cpu"), {}), torch.nn.Linear(2, 1)
    network(torch.ones(1, 2)).backward()
    before = network.weight.grad
    processes.average_gradients(network)
    assert processes == Processes(0, 1) and processes.is_first and network.weight.grad is before
    assert processes.first_says("a") == "a"


@pytest.mark.slow
def test_two_processes_train_one_network(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "one_step.py").write_text(_ONE_STEP)
    train = [
        "train",
        "--data",
        str(archive),
        "--out",
        str(tmp_path / "run"),
        "--arch",
        "test_efficientnet",
        "--device",
        "cpu",
    ]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launch, str(tmp_path / "one_step.py"), *train, "--workers", "0", "--size", "96", "--phases", "64:2:4"]
    environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'lambda'}", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("2 processes") == 1 and done.stdout.count('"epoch": 1') == 1, "the first process prints"
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert state["training"]["epoch"] == 2 and state["training"]["step"] == 6
    network = read_checkpoint(tmp_path / "run" / "checkpoint.pt").network
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
