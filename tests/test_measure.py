"""measure: shapes, sources, limits, interruption. Seconds themselves are only compared roughly."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from optsplit.errors import InvalidInput
from optsplit.graph import LayerGraph
from optsplit.profiling.profile import Profile

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from optsplit.profiling.measure import measure  # noqa: E402
from optsplit.profiling.trace import Traced, trace  # noqa: E402


@pytest.fixture
def traced() -> Traced:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.Dropout(), nn.Flatten(), nn.LazyLinear(64)
    )
    example = torch.randn(1, 3, 32, 32)
    module.eval()(example)
    return trace(module, example)


@pytest.fixture(autouse=True)
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_profile(traced: Traced, tmp_path: Any) -> None:
    profile = measure(traced, {"device": "cpu", "server": "cpu"}, threads={"device": 1}, max_rounds=12, max_seconds=5)
    assert profile.places == ("device", "server")
    assert type(profile.graph) is LayerGraph
    timing = profile.timing("device")
    by_name = dict(zip((layer.name for layer in traced.layers), timing.seconds, strict=True))
    assert {name for name, seconds in by_name.items() if seconds == 0} == {"input", "3", "4"}
    assert by_name["0"] > 0
    assert set(timing.quantiles) == {"0.1", "0.25", "0.75", "0.9"}
    for low, middle, high in zip(timing.quantiles["0.1"], timing.seconds, timing.quantiles["0.9"], strict=True):
        assert low <= middle <= high
    assert timing.whole is not None
    assert timing.ratio is not None
    assert 0.2 < timing.ratio < 5
    source = dict(timing.source)
    assert source.pop("date").endswith("+00:00")
    assert source.pop("processor")
    assert 5 <= int(source.pop("rounds")) <= 12
    assert source.pop("stable") in ("yes", "no")
    expected = {"method": "measured", "device": "cpu", "threads": "1", "grain": "operations"}
    assert source == expected | {"torch": torch.__version__}
    profile.save(tmp_path / "profile.json")
    assert Profile.load(tmp_path / "profile.json") == profile


def test_grain_of_modules(traced: Traced) -> None:
    program = traced.program
    assert program is not None
    coarse = trace(program.module, program.args, grain="modules")
    timing = measure(coarse, {"device": "cpu"}, max_rounds=5).timing("device")
    assert len(timing.seconds) == len(coarse.layers)
    assert timing.source["grain"] == "modules"


def test_threads_are_restored(traced: Traced, threads: int) -> None:
    seen = []
    count = 2 if threads == 1 else 1
    places = {"device": "cpu", "server": "cpu"}

    def progress(place: str, rounds: int, difference: float | None) -> None:
        seen.append((place, torch.get_num_threads()))

    profile = measure(traced, places, threads={"server": count}, max_rounds=5, progress=progress)
    assert set(seen) == {("device", threads), ("server", count)}
    assert profile.timing("server").source["threads"] == str(count)
    assert torch.get_num_threads() == threads


def test_stops_when_stable_at_the_limit_or_in_time(traced: Traced) -> None:
    def rounds(**limits: Any) -> tuple[int, str]:
        source = measure(traced, {"device": "cpu"}, threads={"device": 1}, **limits).timing("device").source
        return int(source["rounds"]), source["stable"]

    assert rounds(tolerance=1e9) == (5, "yes")
    assert rounds(tolerance=0, max_rounds=9)[0] <= 9
    assert rounds(max_seconds=0, min_rounds=3) == (1, "no")


def test_ctrl_c_keeps_what_is_measured(traced: Traced) -> None:
    def interrupt(at: tuple[str, int]) -> Any:
        def progress(place: str, rounds: int, difference: float | None) -> None:
            if (place, rounds) == at:
                raise KeyboardInterrupt

        return progress

    places = {"device": "cpu", "server": "cpu"}
    first = measure(traced, places, progress=interrupt(("device", 3)))
    assert first.places == ("device",)
    assert first.timing("device").source["rounds"] == "3"
    assert first.timing("device").source["interrupted"] == "yes"
    both = measure(traced, places, max_rounds=5, progress=interrupt(("server", 1)))
    assert both.places == ("device", "server")
    assert "interrupted" not in both.timing("device").source


def test_ctrl_c_before_the_first_round_is_raised(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    # The package's own attribute `measure` is the function.
    monkeypatch.setattr(sys.modules["optsplit.profiling.measure"], "_repeat", interrupt)
    with pytest.raises(KeyboardInterrupt):
        measure(traced, {"device": "cpu"})


def test_loaded_graph_is_refused(traced: Traced, tmp_path: Any) -> None:
    traced.save(tmp_path / "graph.json")
    with pytest.raises(InvalidInput, match="trace the module again"):
        measure(LayerGraph.load(tmp_path / "graph.json"), {"device": "cpu"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"places": {}}, "no place"),
        ({"places": {"": "cpu"}}, "a place has an empty name"),
        ({"places": {"device": "gpu"}}, "place 'device': unknown device 'gpu'"),
        ({"places": {"device": "cuda:99"}}, "device 'cuda:99' is not available.*give 'cpu'"),
        ({"threads": {"server": 1}}, "unknown place 'server'"),
        ({"threads": {"device": 0}}, "threads at place 'device' is 0"),
        ({"threads": {"device": 99_999}}, "threads at place 'device' is 99999; give 1 or more, up to 1024"),
        ({"min_rounds": 9, "max_rounds": 3}, "min_rounds 9, max_rounds 3"),
        ({"tolerance": float("nan")}, "tolerance is nan"),
        ({"max_seconds": -1}, "max_seconds is -1"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str, traced: Traced) -> None:
    with pytest.raises(InvalidInput, match=message):
        measure(traced, **{"places": {"device": "cpu"}, **arguments})
