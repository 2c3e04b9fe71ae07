"""Regressions: the published table, prediction, fit, and the error of a prediction."""

import math
import random
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optsplit.errors import FileFormatError, InvalidInput
from optsplit.graph import Layer, LayerGraph
from optsplit.profiling.fitting import fit, goodness
from optsplit.profiling.predict import predict, prediction_error
from optsplit.profiling.profile import Profile, Timing
from optsplit.profiling.published import regressions
from optsplit.profiling.regression import LinearModel, Regressions

PI, DESKTOP = regressions["raspberry-pi-3"], regressions["desktop"]


def refused(message):
    return pytest.raises(InvalidInput, match=re.escape(message))


def layer(kind, name=None, *, free=False, flops=0, weights=(), **features):
    return Layer(name or kind, kind, flops, weights, free, features)


def graph(*layers, name="net", weights=None):
    return LayerGraph(name, layers, (), (), weights or {})


def seconds(table, *layers, **options):
    return predict(graph(*layers), {"d": table}, **options).timing("d").seconds


# --- the published table


@pytest.mark.parametrize(
    ("the_layer", "pi_ms", "desktop_ms"),
    [
        # 6.13e-3 * 100 + 2.67e-2 * 1000 - 9.909 = 0.613 + 26.7 - 9.909 = 17.404
        # 6.03e-5 * 100 + 1.24e-4 * 1000 + 0.189 = 0.00603 + 0.124 + 0.189 = 0.31903
        (layer("conv", input_maps=100, filter_term=1000), 17.404, 0.31903),
        # 1.5e-5 * 1000 + 0.488; 5.6e-6 * 1000 + 0.0569
        (layer("relu", input_size=1000), 0.503, 0.0625),
        # 0.133 + 0.00331 + 1.657; 0.0163 + 0.000407 + 0.211
        (layer("pool", input_size=1000, output_size=100), 1.79331, 0.227707),
        # 0.519 + 0.589; 0.0659 + 0.078
        (layer("lrn", input_size=1000), 1.108, 0.1439),
        # 0.00234 + 0.0525; 0.00523 + 0.00464
        (layer("dropout", input_size=1000), 0.05484, 0.00987),
        # 0.918 + 0.399 + 1.169; 0.107 - 0.0183 + 0.164
        (layer("linear", input_size=1000, output_size=100), 2.486, 0.2527),
    ],
)
def test_edgent_by_hand(the_layer, pi_ms, desktop_ms):
    assert seconds(PI, the_layer) == pytest.approx([pi_ms / 1000])
    assert seconds(DESKTOP, the_layer) == pytest.approx([desktop_ms / 1000])


def test_the_raspberry_pi_is_the_slow_one():
    # the slide of the authors has the columns the other way round
    assert all(PI.model(kind).intercept > DESKTOP.model(kind).intercept for kind in ("relu", "pool", "lrn", "linear"))
    assert PI.loading_seconds(10**8) > DESKTOP.loading_seconds(10**8)


def test_edgent_loading_is_apart_from_the_layers():
    assert PI.loading_seconds(10**6) == pytest.approx((4.49 + 842.136) / 1000)
    assert DESKTOP.loading_seconds(10**6) == pytest.approx((1.33 + 2.182) / 1000)
    assert "loading" not in PI.models


@pytest.mark.parametrize("size", [-1, math.nan, math.inf])
def test_loading_refuses_sizes_that_are_none(size):
    with refused(f"model to load has {size!r} bytes; give a finite number, 0 or more"):
        PI.loading_seconds(size)


def test_loading_of_a_table_without_it_is_refused():
    with refused("regressions 'x' have no loading time; take a table that has, or measure it"):
        Regressions("x", "", {"relu": LinearModel((), ())}).loading_seconds(1)


def test_unknown_tables_and_kinds_are_refused():
    with refused("unknown regressions preset 'raspberry-pi'; did you mean 'raspberry-pi-3'? known:"):
        regressions["raspberry-pi"]
    with refused("regressions 'desktop': unknown layer kind 'pooling'; did you mean 'pool'? known: conv, relu"):
        DESKTOP.model("pooling")


# --- predict


def test_every_place_has_its_own_table_in_order():
    profile = predict(graph(layer("relu", input_size=0)), {"device": PI, "server": DESKTOP})
    assert profile.places == ("device", "server")
    assert profile.timing("device").seconds == pytest.approx([0.488e-3])
    assert profile.timing("server").seconds == pytest.approx([0.0569e-3])
    assert profile.timing("server").source == {
        "method": "predicted",
        "regressions": "desktop",
        "source": DESKTOP.source,
    }


def test_inputs_and_free_layers_take_no_time():
    # a table may have dropout (Edgent's has): at inference it does nothing
    free = layer("dropout", free=True), layer("reshape", free=True)
    assert seconds(PI, layer("input"), layer("constant"), *free) == (0, 0, 0, 0)


def test_negative_predictions_are_clamped_and_named():
    # 6.13e-3 * 3 + 2.67e-2 * 100 - 9.909 < 0
    timing = predict(graph(layer("conv", "c1", input_maps=3, filter_term=100)), {"d": PI}).timing("d")
    assert timing.seconds == (0.0,)
    assert timing.source["clamped"] == "c1"


def test_element_wise_kinds_take_the_relu_model_and_the_source_says_so():
    layers = (layer("add", "add1", input_size=1000), layer("add", "add2", input_size=0))
    timing = predict(graph(*layers, layer("softmax", input_size=0)), {"d": PI}).timing("d")
    assert timing.seconds == pytest.approx([0.503e-3, 0.488e-3, 0.488e-3])
    assert timing.source["assumed"] == "2 add as relu, 1 softmax as relu"


def test_without_relu_another_element_wise_model_stands_in():
    table = Regressions("x", "", {"conv": LinearModel((), (), 9.0), "gelu": LinearModel((), (), 2.0)})
    assert seconds(table, layer("add")) == (2.0,)
    with refused("layer 'add' is of kind 'add', for which regressions 'x' of place 'd' have no model"):
        seconds(replace(table, models={"conv": LinearModel((), ())}), layer("add"))


def test_heavy_kinds_without_a_model_are_refused():
    with pytest.raises(InvalidInput) as caught:
        seconds(PI, layer("attention", "a1"))
    assert str(caught.value) == (
        "graph 'net': layer 'a1' is of kind 'attention', for which regressions 'raspberry-pi-3' of place "
        "'d' have no model; known kinds: conv, relu, pool, lrn, dropout, linear. Fit regressions on a profile that "
        "has such layers, or pass missing='zero' to count it as free"
    )


def test_missing_refuse_refuses_element_wise_kinds_too():
    with refused("pass missing='stand-in' to take another element-wise kind's"):
        seconds(PI, layer("add", input_size=1), missing="refuse")
    with refused("pass missing='zero' to count it as free"):
        seconds(PI, layer("attention"), missing="refuse")


def test_missing_zero_counts_them_as_free_and_says_so():
    timing = predict(graph(layer("attention"), layer("add")), {"d": PI}, missing="zero").timing("d")
    assert timing.seconds == (0.0, 0.0)
    assert timing.source["assumed"] == "1 add as 0 s, 1 attention as 0 s"


def test_predict_refuses_bad_arguments():
    with refused("predict: unknown value of missing 'zeros'; did you mean 'zero'? known: stand-in, refuse, zero"):
        predict(graph(layer("relu", input_size=1)), {"d": PI}, missing="zeros")
    with refused("place 'd' has 'desktop'; give Regressions, e.g. optsplit.regressions['raspberry-pi-3']"):
        predict(graph(layer("relu", input_size=1)), {"d": "desktop"})
    with refused("profile of 'net' has no place"):
        predict(graph(layer("relu", input_size=1)), {})


def test_a_layer_without_the_feature_is_refused():
    with refused(
        "layer 'c1' of kind 'conv' has no feature 'input_maps', which regressions 'raspberry-pi-3' need; it has "
        "flops, weight_bytes, filter_term. Add it to Layer.features or fit regressions without it"
    ):
        seconds(PI, layer("conv", "c1", filter_term=1))


def test_flops_and_weight_bytes_are_features_of_every_layer():
    table = Regressions("x", "", {"conv": LinearModel(("flops", "weight_bytes"), (1.0, 0.5), 7.0)})
    net = graph(layer("conv", flops=100, weights=("w",)), weights={"w": 8})
    assert predict(net, {"d": table}).timing("d").seconds == (100 + 4 + 7.0,)


# --- the form


def test_a_linear_model_refuses_what_does_not_fit_together():
    with refused("linear model has 1 coefficients for the 2 features ('a', 'b'); give one each"):
        LinearModel(("a", "b"), (1.0,))
    with refused("linear model: feature name 'a' stands twice"):
        LinearModel(("a", "a"), (1.0, 2.0))
    with refused("linear model: coefficient of a is nan; give a finite number"):
        LinearModel(("a",), (math.nan,))
    with refused("linear model: coefficient of the intercept is inf; give a finite number"):
        LinearModel((), (), math.inf)


def test_regressions_refuse_no_models_and_a_loading_of_another_form():
    with refused("regressions 'x' have no model; give one for a layer kind"):
        Regressions("x", "", {})
    with refused("regressions 'x': loading has the features ('flops',); expected ('bytes',)"):
        Regressions("x", "", {"relu": LinearModel((), ())}, LinearModel(("flops",), (1.0,)))


def test_the_table_as_text():
    table = Regressions(
        "odroid",
        "by hand",
        {
            "conv": LinearModel(("flops",), (2e-9,), -0.001, 0.4284, 2.5e-5, 120),
            "fc": LinearModel((), (), 0.0, None, None, 1, "one layer"),
        },
    )
    assert str(table).splitlines() == [
        "odroid: by hand",
        "kind    R^2  RMSE ms  layers  milliseconds",
        "conv  0.428    0.025     120  2e-06 flops - 1",
        "fc        -        -       1  0  (one layer)",
    ]


numbers = st.floats(-1e9, 1e9)
maybe = st.none() | numbers


@st.composite
def models(draw):
    features = draw(st.lists(st.text(max_size=5), unique=True, max_size=3))
    coefficients = tuple(draw(numbers) for _ in features)
    count = draw(st.none() | st.integers(0, 999))
    return LinearModel(tuple(features), coefficients, draw(numbers), draw(maybe), draw(maybe), count, draw(st.text()))


@settings(deadline=None)
@given(
    table=st.builds(
        Regressions,
        st.text(),
        st.text(),
        st.dictionaries(st.text(max_size=5), models(), min_size=1, max_size=3),
        st.none() | st.builds(LinearModel, st.just(("bytes",)), st.tuples(numbers), numbers),
    )
)
def test_file_round_trip(table, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "regressions.json"
    table.save(path)
    assert Regressions.load(path) == table


def test_damaged_file_is_refused_with_the_place(tmp_path):
    path = tmp_path / "pi.json"
    PI.save(path)
    path.write_text(path.read_text().replace('"features":["bytes"]', '"features":["flops"]'))
    with pytest.raises(FileFormatError, match="damaged regressions file: regressions 'raspberry-pi-3': loading has"):
        Regressions.load(path)


# --- fit


def measured(layers, times, *, name="net", weights=None, whole=None):
    timing = Timing(tuple(times), whole=whole, source={"method": "measured"})
    return Profile(graph(*layers, name=name, weights=weights), {"pc": timing})


def network(seed, count, truth, *, noise=0.0, name="net"):
    """A network of `count` convolutions and ReLUs whose seconds follow `truth`, up to relative noise."""
    rng = random.Random(seed)
    layers, times = [], []
    for i in range(count):
        size, out, flops = (float(rng.randint(1, 10**6)) for _ in range(3))
        layers.append(layer("conv", f"c{i}", flops=int(flops), input_size=size, output_size=out))
        layers.append(layer("relu", f"r{i}", flops=int(size), input_size=size, output_size=size))
        for row in layers[-2:]:
            value = truth[row.kind].at({"flops": row.flops, **row.features})
            times.append(value * (1 + noise * rng.uniform(-1, 1)))
    return measured(layers, times, name=name)


TRUTH = {
    "conv": LinearModel(("flops", "input_size", "output_size"), (3e-9, 2e-9, 1e-9), 1e-4),
    "relu": LinearModel(("input_size",), (5e-10,), 2e-5),
}


def test_fit_recovers_the_law_behind_the_times():
    table = fit(network(0, 20, TRUTH), "pc")
    for kind, true in TRUTH.items():
        found = table.model(kind)
        assert found.features == true.features
        assert found.coefficients == pytest.approx(true.coefficients, rel=1e-4)
        assert found.intercept == pytest.approx(true.intercept, rel=1e-3)
        assert found.r2 == pytest.approx(1.0)
        assert found.rmse == pytest.approx(0.0, abs=1e-9)
        assert (found.count, found.note) == (20, "")


def test_fit_predicts_a_network_that_it_did_not_see():
    seen = [network(seed, 15, TRUTH, noise=0.1, name=f"seen{seed}") for seed in (1, 2)]
    unseen = network(3, 15, TRUTH, noise=0.1, name="unseen")
    table = fit(seen, "pc", name="my pc")
    assert table.name == "my pc"
    assert table.source == "fitted on seen1, seen2 at place 'pc' (method=measured)"
    error = prediction_error(predict(unseen.graph, {"pc": table}), unseen, "pc")
    assert error.ratio == pytest.approx(1.0, abs=0.05)
    conv = error.kinds["conv"]
    assert conv.rmse < 0.1 * conv.measured / conv.count  # within the noise


def test_fit_keeps_one_of_collinear_columns():
    # fully connected at batch 1: flops = 2 * weights = weight bytes / 2
    sizes = [100, 200, 300, 500, 800, 1300, 2100, 3400, 5500, 8900]
    layers = [layer("linear", f"l{n}", flops=2 * n, weights=(f"w{n}",)) for n in sizes]
    profile = measured(layers, [n * 1e-6 for n in sizes], weights={f"w{n}": 4 * n for n in sizes})
    model = fit(profile, "pc").model("linear")
    assert model.features == ("flops",)
    assert model.coefficients == pytest.approx((0.5e-6,))


def test_fit_says_when_there_were_too_few_layers():
    # 2 layers, 5 coefficients: one is kept, t = 2 * flops
    layers = [layer("conv", f"c{n}", flops=n, input_size=1.0, output_size=float(m)) for n, m in ((10, 7), (30, 3))]
    model = fit(measured(layers, [20.0, 60.0]), "pc").model("conv")
    assert (model.features, model.intercept, model.count) == (("flops",), 0.0, 2)
    assert model.coefficients == pytest.approx((2.0,))
    assert model.note == "fewer layers (2) than coefficients of the form (5)"
    assert model.note in str(fit(measured(layers, [20.0, 60.0]), "pc"))


def test_fit_of_one_layer_is_proportional_and_has_no_r2():
    model = fit(measured([layer("relu", input_size=10.0, output_size=10.0)], [5.0]), "pc").model("relu")
    assert (model.features, model.intercept, model.r2) == (("input_size",), 0.0, None)
    assert model.coefficients == pytest.approx((0.5,))
    assert model.note == "fewer layers (1) than coefficients of the form (3)"


def test_fit_of_layers_without_features_is_their_mean():
    layers = [layer("norm", f"n{i}") for i in range(4)]
    model = fit(measured(layers, [1.0, 2.0, 3.0, 6.0]), "pc").model("norm")
    assert model.features == ()
    assert model.intercept == pytest.approx(3.0)


def test_fit_leaves_out_inputs_and_free_layers():
    layers = [layer("input"), layer("dropout", free=True), layer("relu", input_size=2.0, output_size=2.0)]
    assert set(fit(measured(layers, [0.0, 0.0, 1.0]), "pc").models) == {"relu"}


def test_times_that_vary_by_less_than_a_square_can_hold_have_no_r2():
    times = np.array([0.0, 1e-200])
    assert goodness(times, times) == (None, 0.0)
    assert goodness(np.zeros(2), np.array([1.0, 3.0]))[0] == 1 - 10 / 2


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**6), st.floats(0, 10)), min_size=1, max_size=12))
def test_fit_never_predicts_less_than_nothing(rows):
    layers = [layer("conv", f"c{i}", flops=f, input_size=float(s), output_size=1.0) for i, (f, s, _) in enumerate(rows)]
    model = fit(measured(layers, [t for _, _, t in rows]), "pc").model("conv")
    assert min((*model.coefficients, model.intercept)) >= 0
    assert model.rmse >= 0
    assert len(model.features) + (model.intercept > 0) <= max(1, len(rows) // 2)


@pytest.mark.parametrize("seed", range(20))
def test_fit_is_the_non_negative_least_squares(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(0, 1, (12, 5))
    matrix[:, 4] = 1.0
    times = np.clip(matrix @ rng.uniform(-1, 1, 5), 0, None)
    names = ("flops", "weight_bytes", "input_size", "output_size")
    layers = [
        Layer(f"c{i}", "conv", features=dict(zip(names, row, strict=False))) for i, row in enumerate(matrix.tolist())
    ]
    model = fit(measured(layers, times.tolist()), "pc").model("conv")
    chosen = {**dict(zip(model.features, model.coefficients, strict=True)), "": model.intercept}
    found = np.array([chosen.get(name, 0.0) for name in (*names, "")])
    # the optimum's certificate: no slope where a coefficient is positive, none downhill where it is zero
    slope = matrix.T @ (matrix @ found - times)
    assert slope[found > 0] == pytest.approx(0, abs=1e-9)
    assert (slope[found == 0] >= -1e-4).all()


def test_fit_refuses_nothing_to_fit():
    with refused("fit got no profile; give at least one measured profile"):
        fit([], "pc")
    with refused("fit found no layer that takes time in net; give a profile of a whole network"):
        fit(measured([layer("input")], [0.0]), "pc")
    with refused("profile of 'net': unknown place 'pcc'; did you mean 'pc'? known: pc"):
        fit(measured([layer("relu")], [1.0]), "pcc")


# --- the error of a prediction


def test_prediction_error_by_hand():
    layers = [layer("input"), layer("relu", "r1"), layer("relu", "r2"), layer("conv")]
    true = measured(layers, [0.0, 1.0, 3.0, 4.0], whole=10.0)
    guess = measured(layers, [0.0, 2.0, 3.0, 6.0])
    error = prediction_error(guess, true, "pc")
    # relu: errors 1 and 0, spread 1 + 1; all: errors 1, 0, 2; mean 8/3, spread 25/9 + 1/9 + 16/9 = 42/9
    assert error.kinds["relu"].r2 == pytest.approx(1 - 1 / 2)
    assert error.kinds["relu"].rmse == pytest.approx(math.sqrt(1 / 2))
    assert error.kinds["conv"].r2 is None
    assert error.kinds["conv"].ratio == 1.5
    assert error.total.r2 == pytest.approx(1 - 5 / (42 / 9))
    assert (error.total.count, error.ratio, error.whole_ratio) == (3, 11 / 8, 1.1)
    assert str(error).splitlines() == [
        "net at pc: predicted against measured",
        "kind     R^2   RMSE ms  layers  predicted ms  measured ms  ratio",
        "conv       -  2000.000       1      6000.000     4000.000  1.500",
        "relu   0.500   707.107       2      5000.000     4000.000  1.250",
        "all   -0.071  1290.994       3     11000.000     8000.000  1.375",
    ]


def test_prediction_error_without_measured_seconds_has_no_ratio():
    error = prediction_error(*[measured([layer("relu")], [0.0])] * 2, "pc")
    assert (error.ratio, error.whole_ratio, error.total.rmse) == (None, None, 0.0)


def test_prediction_error_refuses_what_cannot_be_compared():
    relu = measured([layer("relu")], [1.0])
    with refused("profiles of 'net' and 'net' differ (layer 'relu' against 'gelu')"):
        prediction_error(relu, measured([layer("gelu")], [1.0]), "pc")
    with refused("unknown place 'pi'"):
        prediction_error(relu, relu, "pi")
    with refused("graph 'net' has no layer that takes time; nothing to compare"):
        prediction_error(*[measured([layer("input")], [0.0])] * 2, "pc")
