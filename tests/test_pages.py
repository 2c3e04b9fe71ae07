"""Pages of HTML: what they say, that nothing on them is fetched or run but their own scripts, and what they refuse."""

import json
import re
from html.parser import HTMLParser

import pytest

import optsplit
from optsplit import FlowShop, Metric, Partition, Schedule, UploadOrder, pages
from optsplit.algorithms.front import Front
from optsplit.errors import InvalidInput
from optsplit.hardware import MBIT, Connection
from optsplit.pages.upload import over
from optsplit.problems.exits import ExitPattern, Exits
from optsplit.result import Limit, Result, Status
from tests.test_report import fork_problem, fork_profile

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


class Read(HTMLParser):
    """Tags, identifiers, scripts and texts of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.scripts, self.text = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "script":
            self.scripts.append((found, []))

    def handle_endtag(self, tag):
        self.tags.append(("/" + tag, {}))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1][1].append(data)
        self.text.append(data)

    @property
    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.text))

    def data(self, name):
        return next(json.loads("".join(text)) for found, text in self.scripts if found.get("id") == f"{name}-data")


def read(found, *more):
    return Read(pages.page(found, *more))


# --- what it says -------------------------------------------------------------------------------------------------


def test_the_answer_is_one_sentence():
    page = read(optsplit.solve(fork_problem()))
    # see test_report: input and conv1 cost 40 ms, 40,000 bytes take 40 ms, then 2 + 2 + 1 + 8, and 400 bytes 0.4 ms
    assert (
        "Run the first 2 of 6 layers on the device, the rest on the server: latency 93.4 ms, proven optimal."
        in page.words
    )
    for text in ("device to server 8 Mbit/s", "least latency", "40,000", "conv1", "mincut", "ends at device"):
        assert text in page.words
    assert "optsplit solve result.json --method mincut --seed 0 --workers 1" in page.words


def test_a_single_place_and_several_runs():
    everything = optsplit.solve(fork_problem(pins={"fc": "device"}), "device-only")
    assert "Run all 6 layers on the device" in read(everything).words
    split = fork_problem(pins={"left": "server", "conv1": "device", "right": "device", "add": "server"})
    assert "Of 6 layers run 3 on the device, 3 on the server: latency" in read(optsplit.solve(split)).words


def test_the_largest_of_several_metrics_is_named():
    problem = fork_problem(minimize=("device_seconds", "server_seconds", "device_server_seconds"))
    found = optsplit.solve(problem)
    name = max(problem.objectives, key=found.metrics.__getitem__)
    value = f"{found.objective / 1e6:.6g} ms"
    assert f"{name.replace('_', ' ')} {value}, the largest of 3 metrics, latency" in read(found).words


def test_a_gap_and_a_missing_bound_are_said():
    found = optsplit.solve(fork_problem(), "device-only")
    assert "by a heuristic that claims no bound" in read(found).words


def test_an_infeasible_problem_names_its_conflicts():
    found = optsplit.solve(fork_problem(limits={"latency": 0.01}))
    assert found.status is Status.INFEASIBLE
    page = read(found)
    assert (
        "No plan exists: the limit is too tight: latency <= 10 ms (at least 93.4 ms with the other limits)."
        in page.words
    )
    assert "Limits that conflict" in page.words
    assert "There is no slider over bandwidth" in page.words
    assert "envelope does not take limits" in page.words


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"limit": Limit.TIME}, "found no plan before the time limit, and does not exclude that there is one"),
        ({"limit": Limit.INTERRUPT}, "found no plan before it was interrupted"),
        ({"status": Status.ERROR, "raw_status": "out of memory"}, "The method milp failed: out of memory"),
    ],
)
def test_without_a_plan_it_says_why(change, said):
    problem = fork_problem()
    found = Result(
        **{"method": "milp", "status": Status.NO_SOLUTION, "minimize": ("latency",), "problem": problem, **change}
    )
    assert said in read(found).words


def test_an_upload_tells_its_order_and_what_runs_meanwhile():
    problem = UploadOrder.from_profile(fork_profile(), Connection.mbit(8), load={"device": 9})
    found = optsplit.solve(problem)
    page = read(found)
    assert "Send 1 unit, first fc: until the best latency is reached after 1.04858 s" in page.words
    data = page.data("upload")
    curve = problem.curve(found.plan)
    assert [(step["time"], step["latency"]) for step in data["steps"]] == curve
    for step in data["steps"]:
        plan = [int(place) for place in step["plan"]]
        assert problem.partition.evaluate(problem.partition.plan(plan)).objective == step["latency"]
    assert data["ends"] == [1048576000]
    assert data["units"] == ["fc"]


def test_a_batch_counts_when_it_is_complete():
    inner = Partition(
        layers=["a", "b", "c"], edges=[(0, 1), (1, 2)], pins={"a": "device"}, result_at=None,
        metrics={"latency": Metric([[0, 0], [50, 5], [50, 5]], {("device", "server"): [10, 10, 10]})},
    )  # fmt: skip
    problem = UploadOrder(inner, [0, 100, 100])
    # c alone would help already (50 + 10 + 5), but not before both are there: 10 + 5 + 5
    assert [(s["time"], s["latency"]) for s in over(problem, problem.plan([1, 0], [2]))["steps"]] == [
        (0, 100),
        (200, 20),
    ]
    apart = over(problem, problem.plan([1, 0]))["steps"]
    assert [(s["time"], s["latency"], s["plan"]) for s in apart] == [
        (0, 100, "000"),
        (100, 65, "001"),
        (200, 20, "011"),
    ]


def test_an_upload_of_nothing_has_no_slider():
    problem = UploadOrder.from_profile(fork_profile(), Connection.mbit(0.001))
    page = read(optsplit.solve(problem))
    assert "Send nothing" in page.words
    assert "nothing has to be sent" in page.words
    assert not page.scripts


def test_a_schedule_and_a_flow_shop():
    schedule = optsplit.solve(Schedule.from_profile([fork_profile()], Connection.mbit(8), 2))
    words = read(schedule).words
    assert f"The 2 jobs end after {schedule.objective / 1e6:.6g} ms" in words
    assert "device>server" in words
    shop = optsplit.solve(FlowShop([[3, 1], [1, 3]], unit="h", name="two"))
    # job 1 first: 1 + 3 on the second machine, then job 0's 1: Johnson's rule
    assert "Run the jobs in the order 1, 0: the last one ends after 5 h, proven optimal." in read(shop).words


def test_exits_over_bandwidth_and_deadline():
    problem = fork_problem(exits={"conv1": 0.5, "fc": 0.9}, maximize="accuracy", limits={"latency": 0.1})
    found = optsplit.solve(problem)
    page = read(found)
    assert "leaving at exit fc: accuracy 90 %, latency 93.4 ms" in page.words
    data = page.data("bandwidth")
    assert data["deadline"]["asked"] == 100_000_000
    assert [level["accuracy"] for level in data["levels"]] == [0.9, 0.5]
    assert [{line["exit"] for line in level["lines"]} for level in data["levels"]] == [{"fc"}, {"conv1"}]
    assert all(line["plan"][2:] == "...." for line in data["levels"][1]["lines"])


def test_confidence_has_no_slider():
    patterns = [ExitPattern((1, 1), (True, True), 1), ExitPattern((0, 1), (False, True), 1)]
    problem = Partition(
        layers=["input", "body", "early", "late"], edges=[(0, 1), (1, 2), (1, 3)], minimize="latency",
        metrics={"latency": Metric([[0, 0], [10, 10], [2, 2], [50, 50]], {("device", "server"): [9] * 4})},
        exits=Exits({"early": 0.5, "late": 1.0}, (0.5,), patterns), at_least={"accuracy": 1.0}, result_at=None,
    )  # fmt: skip
    page = read(optsplit.solve(problem))
    assert "Here: exits by confidence." in page.words
    # the second sample is right at the end only, and is not sure before: (10 + 2) * 2 + 50 over two samples
    assert "with exits at early: latency 37 ns, accuracy 100 %, proven optimal." in page.words
    assert "early from confidence 0.5 50" in page.words
    assert "late the rest 100" in page.words


def test_the_envelope_is_in_the_page():
    problem = fork_problem()
    page = read(optsplit.solve(problem))
    envelope = optsplit.envelope(problem)
    data = page.data("bandwidth")
    (level,) = data["levels"]
    assert len(level["lines"]) == len(envelope.segments)
    assert level["rates"] == sorted(level["rates"])
    assert data["own"] == 8 * MBIT
    for rate in (
        data["low"],
        data["own"],
        data["high"],
        *(r * 0.999 for r in level["rates"]),
        *(r * 1.001 for r in level["rates"]),
    ):
        line = level["lines"][sum(r < rate for r in level["rates"])]
        segment = envelope.at(rate)
        assert (line["fixed"], line["slope"]) == (segment.fixed, segment.slope)
        assert line["plan"] == "".join("01"[segment.plan.assignment[v] == "server"] for v in problem.layers)


def test_plain_numbers_have_a_factor():
    way = {("device", "server"): [40, 4, 4], ("server", "device"): [40, 4, 4]}
    problem = Partition(
        ["a", "b", "c"],
        [(0, 1), (1, 2)],
        minimize="cost",
        metrics={"cost": Metric([[0, 0], [9, 8], [30, 1]], way, unit="")},
    )
    data = read(optsplit.solve(problem)).data("bandwidth")
    assert (data["per_byte"], data["own"], data["marks"], data["scale"]) == (False, 1.0, [], 1.0)
    assert data["levels"][0]["lines"][0]["sent"] == []


def test_fronts_and_comparisons():
    front = optsplit.front(fork_problem(), ["latency", "bytes"])
    page = read(front, "front.json")
    assert (
        f"{len(front)} trade-offs of latency, bytes: every plan has a point at least as good in every metric."
        in page.words
    )
    page = read(optsplit.compare(fork_problem(), ["mincut", "device-only"]))
    assert "The best of 2 methods is 93.4 ms, proven optimal, found by mincut." in page.words
    with pytest.raises(InvalidInput, match="no results to compare"):
        pages.page([])
    assert "No method found a plan." in read([Result("a", Status.INFEASIBLE)]).words
    empty = Front((), ("a", "b"), {}, step=(0, 0), eps=(0.0, 0.0), low=(0, 0))
    assert "no plan obeys the rules" in read(empty).words
