"""Pages in a real browser, without a network: the slider says what Python says, nothing is fetched, nothing fails."""

import base64
import io
import json
import math
import shutil

import numpy as np
import pytest

import optsplit
from optsplit import Partition, Schedule, UploadOrder, pages
from optsplit.hardware import MBIT, Connection, links
from tests.test_pages_safe import HOSTILE, hostile_problem
from tests.test_report import fork_problem, fork_profile

pytest.importorskip("jinja2")
matplotlib = pytest.importorskip("matplotlib")
webdriver = pytest.importorskip("selenium.webdriver")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="no Chromium with its driver is installed; on Debian: apt-get install chromium chromium-driver",
)

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
    )
    yield driver
    driver.quit()


class Shown:
    """A page that is open."""

    def __init__(self, browser, path, width=1200, dark=False):
        self.browser, self.width = browser, width
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(path.as_uri())

    def __call__(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def text(self, selector):
        return self("return document.querySelector(arguments[0]).textContent", selector)

    def state(self, section):
        return self("return {...document.getElementById(arguments[0]).dataset}", section)

    def put(self, name, value):
        """Type a number, as a user does."""
        self(
            "const box = document.getElementById(arguments[0] + '-number'); box.value = arguments[1];"
            "box.dispatchEvent(new Event('input', {bubbles: true}))",
            name, repr(value),
        )  # fmt: skip

    def press(self, name, *keys):
        self.browser.find_element("id", name).send_keys(*keys)

    def complaints(self):
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def requests(self):
        """What was asked for beyond the page itself."""
        events = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith("data:")]

    def screenshot(self):
        """The whole page as an array of pixels."""
        height = self("return document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": self.width, "height": height, "scale": 1}
        found = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        return matplotlib.image.imread(io.BytesIO(base64.b64decode(found["data"])))


@pytest.fixture
def show(browser, tmp_path):
    def open_(found, **look):
        path = tmp_path / "report of a result.html"
        path.write_text(pages.page(found), encoding="utf-8")
        return Shown(browser, path, **look)

    return open_


@pytest.fixture(scope="module")
def alexnet():
    return Partition.from_profile(optsplit.bundled("alexnet"), links["wifi"], load={"device": 12})


def counts(plan, problem):
    return [sum(place == p for place in plan.assignment.values()) for p in problem.places]


def agrees(page, problem, envelope, rate):
    segment = envelope.at(rate)
    state = page.state("bandwidth")
    expected = float(segment.fixed + segment.slope * 1e9 / (rate * envelope.weight))
    assert float(state["rate"]) == rate
    assert math.isclose(float(state["value"]), expected, rel_tol=1e-12)
    assert state["plan"] == "".join(str(problem.places.index(segment.plan.assignment[v])) for v in problem.layers)
    said = page.text("#bandwidth-answer")
    here, there = counts(segment.plan, problem)
    assert f"{here} on the device, {there} on the server" in said
    bytes_sent = problem.evaluate(segment.plan).metrics["bytes"]
    assert state["bytes"] == str(bytes_sent)
    # what is drawn: a class for each layer, and the point on the curve
    drawn = page(
        "return [...document.querySelectorAll('#bandwidth-network .layer')].map((e) => e.getAttribute('class'))"
    )
    assert drawn == [f"layer place{problem.places.index(segment.plan.assignment[v])}" for v in problem.layers]
    titles = page("return [...document.querySelectorAll('#bandwidth-network .layer title')].map((e) => e.textContent)")
    assert titles == [f"{v}: {segment.plan.assignment[v]}" for v in problem.layers]
    assert (page("return document.querySelector('#bandwidth-network .cut').getAttribute('d')") != "") == (there > 0)


def test_the_slider_agrees_with_the_envelope(show, alexnet):
    page = show(optsplit.solve(alexnet))
    envelope = optsplit.envelope(alexnet)
    agrees(page, alexnet, envelope, 18.88 * MBIT)
    assert "214.601 ms" in page.text("#bandwidth-answer")
    breaks = [1e9 / (float(s) * envelope.weight) / MBIT for s in envelope.breakpoints]
    assert len(breaks) == 3
    for mbit in (*(b * (1 - 1e-6) for b in breaks), *(b * (1 + 1e-6) for b in breaks), 0.5, 1.1, 5.85, 1000.0):
        page.put("rate", mbit)
        agrees(page, alexnet, envelope, mbit * MBIT)
    assert page.complaints() == []


def test_a_slower_way_up_than_down(show):
    problem = Partition.from_profile(optsplit.bundled("alexnet"), links["lte"], load={"device": 12})
    envelope = optsplit.envelope(problem)
    assert envelope.weight > 1
    page = show(optsplit.solve(problem))
    for mbit in (13.0, 0.7, 55.0):  # that of the faster way
        page.put("rate", mbit)
        agrees(page, problem, envelope, mbit * MBIT)


def test_the_range_moves_by_keyboard_and_by_presets(show, alexnet):
    page = show(optsplit.solve(alexnet))
    before = float(page.state("bandwidth")["rate"])
    page.press("rate", "\ue014")  # arrow right
    after = float(page.state("bandwidth")["rate"])
    assert after > before
    assert float(page("return document.getElementById('rate-number').value")) * MBIT == pytest.approx(after, rel=1e-6)
    assert page("return document.getElementById('rate').getAttribute('aria-valuetext')").startswith(
        f"{after / MBIT:.4g}"
    )
    agrees(page, alexnet, optsplit.envelope(alexnet), after)
    page.press("rate", "\ue010")  # end
    assert float(page.state("bandwidth")["rate"]) > 5 * after
    buttons = page("return [...document.querySelectorAll('#rate-marks button')].map((e) => e.textContent)")
    assert buttons == ["this problem 18.88", "3g 1.1", "4g 5.85", "wifi 18.88"]
    page.browser.find_element("xpath", "//button[text()='3g 1.1']").click()
    agrees(page, alexnet, optsplit.envelope(alexnet), 1.1 * MBIT)
    pressed = page("return [...document.querySelectorAll('#rate-marks [aria-pressed=true]')].map((e) => e.textContent)")
    assert pressed == ["3g 1.1"]


def test_what_is_no_number_changes_nothing(show, alexnet):
    page = show(optsplit.solve(alexnet))
    before = page.state("bandwidth")
    for text in ("", "-3", "0"):
        page(
            "const box = document.getElementById('rate-number'); box.value = arguments[0];"
            "box.dispatchEvent(new Event('input', {bubbles: true}))",
            text,
        )
        assert page.state("bandwidth") == before
    page.put("rate", 1e9)  # faster than proven: the end of what is
    assert page.state("bandwidth")["plan"] == "0" + "1" * 42
    assert float(page.state("bandwidth")["rate"]) == pytest.approx(1e5 * MBIT)
    assert page.complaints() == []


def test_exits_agree_with_the_decision_table(show):
    problem = Partition.from_profile(
        optsplit.bundled("branchy_digits"),
        links["3g"],
        load={"device": 30},
        maximize="accuracy",
        limits={"latency": 0.03},
    )
    page = show(optsplit.solve(problem))
    table = optsplit.decision_table(problem)
    seen = set()
    for mbit in (1.1, 2.5, 4.0, 8.0, 40.0):
        for deadline in (5.0, 22.0, 30.0, 35.5, 60.0):
            page.put("rate", mbit)
            page.put("deadline", deadline)
            choice = table.at(mbit * MBIT, deadline / 1000)
            state, said = page.state("bandwidth"), page.text("#bandwidth-answer")
            assert ("no exit meets the deadline" in said) == (choice is None)
            found = choice or table.fastest(mbit * MBIT)
            assert state["exit"] == found.exit
            assert math.isclose(float(state["value"]), found.latency * 1e9, rel_tol=1e-9)
            places = {v: str(problem.places.index(p)) for v, p in found.plan.assignment.items()}
            assert state["plan"] == "".join(places.get(v, ".") for v in problem.layers)
            seen.add((found.exit, choice is None))
    assert len(seen) > 3
    assert page.complaints() == []


def test_the_upload_agrees_with_its_curve(show):
    problem = UploadOrder.from_profile(optsplit.bundled("googlenet"), links["wifi"], load={"device": 20})
    found = optsplit.solve(problem, "ionn")
    page = show(found)
    curve = problem.curve(found.plan)
    ends = np.cumsum([problem.times[problem.index[name]] for name in found.plan.order])
    changes = [time for time, _ in curve[1:]]
    for time in (0, *(t + d for t in changes[:6] for d in (-1, 0, 1)), changes[-1], int(ends[-1]) + 10**9):
        page.put("time", time / 1e9)
        state = page.state("upload")
        assert int(state["time"]) == time
        assert int(state["value"]) == [latency for start, latency in curve if start <= time][-1]
        assert int(state["arrived"]) == int((ends <= time).sum())
        plan = [int(place) for place in state["plan"]]
        assert problem.partition.evaluate(problem.partition.plan(plan)).objective == int(state["value"])
    there = page("return [...document.querySelectorAll('#upload-units .there')].length")
    assert there == len(found.plan.order)
    assert page.complaints() == []


def test_a_factor_on_plain_numbers(show):
    problem = hostile_problem()
    page = show(optsplit.solve(problem))
    envelope = optsplit.envelope(problem)
    for factor in (0.25, 1.0, 7.5):
        page.put("rate", factor)
        segment = envelope.at_s(1 / factor)
        assert float(page.state("bandwidth")["value"]) == pytest.approx(float(segment.value(1 / factor)))
    assert "times this problem's" in page.text("#bandwidth")


def test_hostile_names_are_shown_and_never_run(show):
    page = show(optsplit.solve(hostile_problem()))
    assert page("return document.title").startswith("<u>net</u>: ")
    titles = page("return [...document.querySelectorAll('#bandwidth-network .layer title')].map((e) => e.textContent)")
    assert [title.rsplit(": ", 1)[0] for title in titles] == list(HOSTILE)
    assert page("return document.querySelectorAll('img, iframe, main b, main i, main u').length") == 0
    assert page.complaints() == []


def made(kind):
    return {
        "partition": lambda: optsplit.solve(fork_problem()),
        "infeasible": lambda: optsplit.solve(fork_problem(limits={"latency": 0.01})),
        "upload": lambda: optsplit.solve(
            UploadOrder.from_profile(fork_profile(), Connection.mbit(8), load={"device": 9})
        ),
        "schedule": lambda: optsplit.solve(Schedule.from_profile([fork_profile()], Connection.mbit(8), 3)),
        "front": lambda: optsplit.front(fork_problem(), ["latency", "bytes"]),
    }[kind]()


@pytest.mark.parametrize("kind", ["partition", "infeasible", "upload", "schedule", "front"])
def test_nothing_is_asked_for_and_nothing_fails(show, kind):
    page = show(made(kind))
    assert len(page.requests()) == 1  # the page
    assert page.complaints() == []
    pictures = page(
        "return [...document.querySelectorAll('.picture svg')].map((e) => e.getBoundingClientRect().height)"
    )
    assert len(pictures) == {"infeasible": 0, "partition": 2, "upload": 1, "front": 1}.get(kind, len(pictures))
    assert all(height > 100 for height in pictures)
    assert (kind == "infeasible") != bool(pictures)


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_a_screenshot_is_full_and_fits(show, alexnet, width, dark):
    page = show(optsplit.solve(alexnet), width=width, dark=dark)
    assert page("return document.documentElement.scrollWidth") <= width
    pixels = page.screenshot()[..., :3]
    assert pixels.shape[1] == width
    pixels = pixels[::2, ::2]
    background = np.median(pixels.reshape(-1, 3), axis=0)
    assert (background.mean() < 0.2) == dark
    drawn = np.abs(pixels - background).max(axis=2) > 0.3
    # every tenth of the page has something on it, and both places have their colours
    assert all(part.mean() > 0.003 for part in np.array_split(drawn, 10))
    colours = {"device": (0x9E, 0xCA, 0xE1), "server": (0xE6, 0x55, 0x0D) if dark else (0xA6, 0x36, 0x03)}
    for colour in colours.values():
        assert (np.abs(pixels - np.array(colour) / 255).max(axis=2) < 0.02).sum() > 25


def test_it_prints(show, alexnet, browser):
    page = show(optsplit.solve(alexnet))
    paper = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert base64.b64decode(paper["data"]).startswith(b"%PDF")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert page("return getComputedStyle(document.querySelector('.control')).display") == "none"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
