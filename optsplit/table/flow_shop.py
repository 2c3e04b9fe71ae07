"""The methods of the flow shop; exact ones stand in the order in which "auto" tries them."""

from __future__ import annotations

from optsplit.algorithms import flow_shop_brute, johnson
from optsplit.baselines import extended_johnson
from optsplit.method import Method
from optsplit.problems.flow_shop import MACHINES_3, MACHINES_4, RELEASE
from optsplit.table.entry import formulation

_ALL = frozenset({MACHINES_3, MACHINES_4, RELEASE})

METHODS = (
    Method("johnson", "FlowShop", True, frozenset(), "optsplit.algorithms.johnson:solve",
           "Johnson 1954, at most two machines", johnson.refuses),
    Method("branching", "FlowShop", True, _ALL, "optsplit.algorithms.flow_shop_branching:solve",
           "branch and bound from both ends, Gmys et al. 2020"),
    Method("cpsat", "FlowShop", True, _ALL, formulation("flow_shop_cpsat"), "CP-SAT, formulations/flow_shop_cpsat.py"),
    Method("milp", "FlowShop", True, _ALL, formulation("flow_shop_milp"),
           "MILP by HiGHS, formulations/flow_shop_milp.py"),
    Method("brute", "FlowShop", True, _ALL, "optsplit.algorithms.flow_shop_brute:solve",
           "every sequence, one by one", flow_shop_brute.refuses),
    Method("neh", "FlowShop", False, _ALL, "optsplit.baselines.flow_shop_rules:neh",
           "Nawaz, Enscore and Ham, Omega 1983"),
    Method("cds", "FlowShop", False, _ALL, "optsplit.baselines.flow_shop_rules:cds",
           "Campbell, Dudek and Smith, Management Science 1970"),
    Method("johnson-halves", "FlowShop", False, _ALL, "optsplit.baselines.flow_shop_rules:johnson_halves",
           "Johnson 1954, each half of the machines as one"),
    Method("extended-johnson", "FlowShop", False, _ALL - {MACHINES_4}, "optsplit.baselines.extended_johnson:solve",
           "Wang, Duan, Wu", extended_johnson.refuses),
    Method("fcfs", "FlowShop", False, _ALL, "optsplit.baselines.flow_shop_rules:first_come",
           "the order of arrival"),
)  # fmt: skip
