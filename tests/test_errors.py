"""Messages of unknown names, and the family of errors."""

import pytest

from optsplit import errors
from optsplit.errors import unknown


def test_unknown_offers_the_nearest_name_then_all():
    assert unknown("link preset", "4gg", ["3g", "4g"]) == (
        "unknown link preset '4gg'; did you mean '4g'? known: 3g, 4g"
    )


def test_unknown_ignores_case_when_it_looks_for_the_nearest():
    assert unknown("link preset", "WiFi", ["4g", "wifi"]) == (
        "unknown link preset 'WiFi'; did you mean 'wifi'? known: 4g, wifi"
    )


def test_unknown_offers_several_near_names():
    message = unknown("layer", "conv", ["conv1", "conv2", "relu"])
    assert message == "unknown layer 'conv'; did you mean 'conv2' or 'conv1'? known: conv1, conv2, relu"


def test_unknown_without_a_near_name():
    assert unknown("metric", "cost", ["latency", "energy"]) == "unknown metric 'cost'; known: latency, energy"


def test_unknown_in_an_empty_table():
    assert unknown("weight", "w", []) == "unknown weight 'w'; known: none"


def test_unknown_cuts_long_lists():
    message = unknown("layer", "zzz", [f"a{i}" for i in range(13)])
    assert message.endswith("known: a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, ... (13 in all)")
    assert unknown("layer", "zzz", [f"a{i}" for i in range(12)]).endswith("a10, a11")


@pytest.mark.parametrize(
    ("error", "base"),
    [
        (errors.InvalidInput, ValueError),
        (errors.FileFormatError, errors.InvalidInput),
        (errors.MethodMismatch, errors.InvalidInput),
        (errors.MissingDependency, ImportError),
        (errors.TraceError, errors.OptsplitError),
        (errors.SolverDisagreement, errors.OptsplitError),
        (errors.SolverError, errors.OptsplitError),
        (errors.NotOptimal, errors.OptsplitError),
    ],
)
def test_every_error_can_be_caught_by_its_family(error, base):
    assert issubclass(error, errors.OptsplitError)
    assert issubclass(error, base)
