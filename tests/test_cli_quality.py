"""optsplit quality: packings and exits of a network of the user's own, added to its profile."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from optsplit import Profile, Timing
from optsplit.cli.door import Door
from optsplit.cli.quality import quality

torch = pytest.importorskip("torch")

from optsplit.profiling.trace import trace  # noqa: E402

NETWORK = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.early, self.late = (torch.nn.Linear(n, m) for n, m in ((20, 100), (100, 3), (100, 3)))

    def forward(self, x):
        x = self.first(x)
        return self.early(x), self.late(x.relu())

def build():
    return Net().eval(), torch.zeros(1, 20)
"""

door = Door("optsplit", commands={"quality": quality})
COMMAND = ("quality", "net.py:build", "profile.json", "data.npz")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NETWORK)
    made = {}
    exec(NETWORK, made)
    graph = trace(*made["build"](), grain="modules", name="net").structure
    Profile(graph, {"device": Timing((0.0,) * len(graph.layers))}).save("profile.json")
    draw = np.random.default_rng(0)
    np.savez("data.npz", x=draw.random((30, 20), dtype=np.float32), y=draw.integers(0, 3, 30))


def run(*arguments, status=0):
    result = CliRunner().invoke(door, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def refused(message, *arguments):
    result = run(*arguments, status=2)
    assert result.stdout == ""
    assert result.stderr.startswith("optsplit: ")
    assert message in result.stderr


def test_the_profile_gains_packings_and_exits():
    shown = run(*COMMAND, "-o", "rich.json", "--bits", "8,2", "--thresholds", "0.4,0.8").stdout
    rich = Profile.load("rich.json")
    assert rich.timings == Profile.load("profile.json").timings
    assert list(rich.packings) == ["first", "relu"]  # 400 bytes each, the others below 256
    assert [packing.bits for packing in rich.packings["first"]] == [8, 2]
    assert rich.exits.layers == ("early", "late")
    assert rich.exits.thresholds == (0.4, 0.8)
    assert rich.exits.samples == 30
    for text in ("early", "late", "first", "8 bits", "labels", "written to rich.json"):
        assert text in shown


def test_json_is_the_profile():
    document = json.loads(run(*COMMAND, "--json", "--bits", "").stdout)
    assert document["optsplit"] == "profile"
    assert document["content"]["packings"] == {}
    assert len(document["content"]["exits"]["layers"]) == 2


def test_without_labels_the_network_itself_is_right():
    with np.load("data.npz") as data:
        np.savez("data.npz", x=data["x"])
    shown = run(*COMMAND, "-o", "rich.json", "--exit", "late").stdout
    assert Profile.load("rich.json").exits.accuracy == (1.0,)
    assert "agreement" in shown


def test_what_is_refused(tmp_path):
    refused("nowhere to write; add -o quality.json, or --json to print it", *COMMAND)
    refused("there is no folder 'nowhere'", *COMMAND, "-o", "nowhere/rich.json")
    refused("--bits 'many': write numbers with commas between them", *COMMAND, "--json", "--bits", "many")
    refused("3 bits per value", *COMMAND, "--json", "--bits", "3")
    refused("unknown place 'cloud'", *COMMAND, "--json", "--place", "cloud")
    refused("unknown layer of an output 'first'", *COMMAND, "--json", "--exit", "first")
    refused("missing.npz: there is no such file; save inputs as x", *COMMAND[:3], "missing.npz", "--json")
    np.save("one.npz.npy", np.zeros(3))
    refused("holds one array", *COMMAND[:3], "one.npz.npy", "--json")
    np.savez("labels.npz", y=np.zeros(3, dtype=int))
    refused("labels.npz: holds no inputs", *COMMAND[:3], "labels.npz", "--json")
    np.savez("object.npz", x=np.array([{}], dtype=object))
    refused("object.npz: not an .npz file of plain arrays", *COMMAND[:3], "object.npz", "--json")
    data = bytearray((tmp_path / "data.npz").read_bytes())
    data[len(data) // 3] ^= 255
    (tmp_path / "bad.npz").write_bytes(data)
    refused("bad.npz: not an .npz file of plain arrays", *COMMAND[:3], "bad.npz", "--json")
    np.savez("wide.npz", x=np.zeros((2, 21), dtype=np.float32))
    refused("examples 'x' have shape (2, 21); expected (N, 20)", *COMMAND[:3], "wide.npz", "--json")
