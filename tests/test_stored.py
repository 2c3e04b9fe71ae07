"""Problems of any kind from their files."""

from __future__ import annotations

import pytest

import optsplit as osp
from optsplit.errors import InvalidInput
from optsplit.problems import stored


def test_the_header_says_which_problem_it_is(tmp_path):
    problem = osp.Partition(["a"], metrics={"latency": osp.Metric([[1, 2]])})
    problem.save(tmp_path / "p.json")
    assert isinstance(stored.load(tmp_path / "p.json"), osp.Partition)


def test_what_is_no_problem_is_refused_with_the_kinds_that_are(tmp_path):
    osp.bundled("alexnet").save(tmp_path / "p.json")
    with pytest.raises(InvalidInput, match=r"holds a 'profile', not a problem; one of partition, .*flow_shop is$"):
        stored.load(tmp_path / "p.json")
