"""Links, connections, devices, presets: what they compute and what they refuse."""

import copy
import math
import pickle
import re

import pytest

from optsplit.errors import InvalidInput
from optsplit.hardware import MBIT, Connection, Device, Link, Presets, devices, links

NOT_POSITIVE = [-1.0, 0.0, math.nan, math.inf, -math.inf]
NEGATIVE = [-1.0, math.nan, math.inf]


def refused(message):
    return pytest.raises(InvalidInput, match=re.escape(message))


@pytest.mark.parametrize("rate", NOT_POSITIVE)
def test_link_refuses_a_rate_that_is_not_positive(rate):
    with refused(f"link rate is {rate!r} bytes/s; give a positive finite number"):
        Link(rate)


@pytest.mark.parametrize("name", ["latency", "transmit_watts", "receive_watts"])
@pytest.mark.parametrize("value", NEGATIVE)
def test_link_refuses_negative_and_not_finite_values(name, value):
    with refused(f"link {name} is {value!r}; give a finite number, 0 or more"):
        Link(1.0, **{name: value})


def test_texts_are_no_numbers():
    with refused("link rate is '4g' bytes/s; give a positive finite number"):
        Link("4g")
    with refused("link latency is '1'; give a finite number, 0 or more"):
        Link(1.0, "1")
    with refused("connection of '5' Mbit/s; give a number, or a preset"):
        Connection.mbit("5")


def test_link_seconds_are_latency_plus_bytes_over_rate():
    assert Link(rate=100.0, latency=0.5).seconds(200) == 0.5 + 2.0


def test_connection_in_mbit_is_symmetric_unless_told():
    assert Connection.mbit(8).up.rate == Connection.mbit(8).down.rate == 1e6
    assert Connection.mbit(8).name == "8 Mbit/s"
    lan = Connection.mbit(8, 16, latency=0.01, name="lan")
    assert (lan.name, lan.down.rate, lan.up.latency, lan.down.latency) == ("lan", 2e6, 0.01, 0.01)


@pytest.mark.parametrize("rate", NOT_POSITIVE)
def test_connection_in_mbit_refuses_a_rate_that_is_not_positive(rate):
    with refused("give a positive finite number"):
        Connection.mbit(rate)
    with refused("give a positive finite number"):
        Connection.mbit(1.0, rate)


def test_connection_scales_the_rate_alone():
    twice = Connection("x", Link(1.0, 0.5, 2.0), Link(3.0, 0.25)).scaled(2)
    assert twice == Connection("x x 2", Link(2.0, 0.5, 2.0), Link(6.0, 0.25))


@pytest.mark.parametrize("factor", NOT_POSITIVE)
def test_connection_refuses_to_scale_by_what_is_not_positive(factor):
    with refused(f"connection '4g' scaled by {factor!r}; give a positive finite number"):
        links["4g"].scaled(factor)


@pytest.mark.parametrize("name", ["compute_watts", "idle_watts"])
@pytest.mark.parametrize("value", NEGATIVE)
def test_device_refuses_negative_and_not_finite_power(name, value):
    with refused(f"device 'pi' {name} is {value!r}; give a finite number, 0 or more"):
        Device("pi", **{"compute_watts": 1.0, name: value})


def test_device_refuses_negative_memory():
    with refused("device 'pi' memory is -1; give a finite number, 0 or more"):
        Device("pi", 1.0, memory=-1)


def test_unknown_presets_are_refused_with_the_nearest():
    with refused("unknown link preset '4gg'; did you mean '4g'? known: cat1, 3g, 4g, wifi, lte, fiber, ionn-wifi"):
        links["4gg"]
    with refused("unknown device preset 'phone'; known: odroid-xu4"):
        devices["phone"]
    assert "4gg" not in links
    assert links.get("4gg") is None


@pytest.mark.parametrize("clone", [copy.copy, lambda t: pickle.loads(pickle.dumps(t))])
def test_presets_survive_copying(clone):
    table = clone(Presets("colour", {"red": 1}))
    assert table == {"red": 1}
    with refused("unknown colour 'blue'; known: red"):
        table["blue"]


@pytest.mark.parametrize(("name", "mbit"), [("cat1", 0.13), ("3g", 1.1), ("4g", 5.85), ("wifi", 18.88), ("lte", 6.0)])
def test_link_presets_have_the_published_rates_up(name, mbit):
    assert links[name].up.rate == pytest.approx(mbit * MBIT)
    assert links[name].name == name


def test_radio_power_follows_the_published_line():
    # LTE: 438.39 mW per Mbit/s up, 51.97 down, 1288.04 mW
    assert links["lte"].up.transmit_watts == pytest.approx((438.39 * 6 + 1288.04) / 1000)
    assert links["lte"].down.receive_watts == pytest.approx((51.97 * 13 + 1288.04) / 1000)
    assert links["ionn-wifi"].up.transmit_watts == pytest.approx(6.611 - 3.977)


def test_every_preset_says_where_it_comes_from():
    assert all(c.up.source and c.down.source for c in links.values())
    assert all(d.source for d in devices.values())
