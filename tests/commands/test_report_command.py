"""gaincell report: a page that holds everything, drawn by a browser without a complaint."""

import base64
import html
import json
import re
import shutil
import subprocess
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest

from gaincell.cli import main
from gaincell.config import HeadConfig
from gaincell.report import head
from gaincell.report.page import Section, render

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CURVE = {"label": "stock softmax", "steps": [0, 10], "nats": [5.0, 4.0]}
LEARNING = {
    "held_out_nats_per_token": {"stock": CURVE},
    "config": {"demo": {"stock_steps": 10, "linear_steps": 5}},
}
PART = {"count": 4, "um2": 1234.5, "low_um2": 1200.0, "high_um2": 1234.5, "one_um": [9.0, 8.0]}
DACS = {"state": "estimated, not drawn", "one_um": None, "why": "r0 is a resistor"}
FLOORPLAN = {
    "config": HeadConfig(head_dim=8, window=16, columns=4).fields_set(),
    **{"process": "sky130", "design": "sky130", "estimates_from": "sky130"},
    **{"estimates_how": "its transistors", "not_counted": "supplies and pads"},
    **{"width_um": 381.0, "height_um": 502.0, "um2": 191250.0, "free_um2": 93981.0},
    "parts": {"score converters": PART | {"state": "drawn", "why": ""}, "DACs": PART | DACS},
    **{"rules": 87, "violations": {}, "too_near": 0, "deck": None, "other_circuits": []},
    **{"mm2_28nm": 0.0089, "mm2_28nm_capacitors_kept": 0.0604, "paper_mm2": 0.5},
}
"""metrics.json of gaincell floorplan for the head tiny, with two of its parts."""
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PROBE = """addEventListener("load", () => {
  const wide = [...document.querySelectorAll("body *")].filter(
    (each) => each.getBoundingClientRect().right > innerWidth + 0.5);
  const empty = [...document.images].filter((each) => !each.complete || !each.naturalWidth);
  document.title = JSON.stringify({
    scroll: document.documentElement.scrollWidth, inner: innerWidth,
    wide: wide.map((each) => each.tagName), images: document.images.length, empty: empty.length,
    style: getComputedStyle(document.body).maxWidth});
});"""
STRICT = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'"
"""What servers of build results send with a page, and leave to run the probe alone."""


class Page(HTMLParser):
    """Tags that were opened, what they refer to, and all text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data):
        self.words.append(data)


def write_floorplan(folder, metrics):
    folder.mkdir()
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "head.png").write_bytes(PIXEL)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Folder of a report of the gpt2 head."""
    folder = tmp_path_factory.mktemp("report") / "new" / "report"
    assert main(["report", "-o", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def small_report(tmp_path_factory):
    """Folder of a split report of the tiny head, with a training's results and a floorplan."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "results.json").write_text(json.dumps(LEARNING))
    write_floorplan(folder / "drawn", FLOORPLAN)
    options = [
        "--config",
        "tiny",
        "--split",
        "--seed",
        "3",
        "--learning",
        str(folder / "results.json"),
        "--floorplan",
        str(folder / "drawn"),
    ]
    assert main(["report", *options, "-o", str(folder / "report")]) == 0
    return folder / "report"


@pytest.mark.cosim
def test_page_needs_nothing_else(report):
    page = Page((report / "index.html").read_text(encoding="utf-8"))
    assert page.tags.count("img") >= 7
    assert all(link.startswith(("data:image/", "#")) for link in page.links)
    assert "script" not in page.tags
    assert "link" not in page.tags
    ids = {link[1:] for link in page.links if link.startswith("#")}
    found = set(re.findall(r'<section id="(\w+)"', (report / "index.html").read_text()))
    assert ids == found


@pytest.mark.cosim
def test_page_and_data_say_the_same(report):
    data = json.loads((report / "report.json").read_text())
    seen = data["cosimulation"]
    words = html.unescape((report / "index.html").read_text(encoding="utf-8"))
    assert (seen["tokens"], seen["mismatches"]) == (1280, 0)
    assert f"0 of {seen['outputs']} outputs of the Verilog differ" in words
    assert f"{seen['latency_cycles'][0]} ns" in words
    before = data["adaptation"]["all-ours"]["before"]
    assert f"perplexity {before:.1f} without training" in words
    assert data["estimate"]["systems"]["1 head"]["heads"] == 1
    assert {"gaincell", "numpy", "verilator"} <= set(data["versions"])
    assert data["seed"] == 0


def drawn(address, profile, width=1280):
    """What the probe finds on a page, and what the browser complains about."""
    browser = next(filter(None, map(shutil.which, BROWSERS)))
    run = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900",
         f"--user-data-dir={profile}", "--enable-logging=stderr",
         "--virtual-time-budget=10000", "--dump-dom", address],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = json.loads(html.unescape(re.search(r"<title>(.*?)</title>", run.stdout)[1]))
    return found, [line for line in run.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.cosim
@pytest.mark.needs("chromium")
def test_a_browser_draws_all_of_it(report, tmp_path):
    text = (report / "index.html").read_text(encoding="utf-8")
    probed = tmp_path / "probed.html"
    probe = f"<script>{PROBE}</script></head>"
    probed.write_text(text.replace("</head>", probe), encoding="utf-8")
    found, complaints = drawn(probed.as_uri(), tmp_path / "profile")
    assert found["inner"] == 1280
    assert found["scroll"] <= 1280
    assert found["wide"] == []
    assert found["images"] >= 7
    assert found["empty"] == 0
    assert complaints == []


class StrictHandler(SimpleHTTPRequestHandler):
    """Serves files with ``STRICT``; every page runs the probe."""

    def end_headers(self):
        self.send_header("Content-Security-Policy", STRICT)
        super().end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def served(small_report):
    """The address of a strict server of the split report."""
    handler = partial(StrictHandler, directory=small_report)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.cosim
@pytest.mark.needs("chromium")
def test_a_split_page_is_whole_under_a_strict_policy(small_report, served, tmp_path):
    folder, address = small_report, served
    text = (folder / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not {"style", "script"} & set(page.tags)
    assert "style=" not in text
    linked = {link for link in page.links if not link.startswith("#")}
    parts = {f"parts/{path.name}" for path in (folder / "parts").iterdir()}
    assert linked - {"stylesheet"} == parts
    assert "parts/page.css" in parts
    (folder / "probe.js").write_text(PROBE)
    probed = text.replace("</head>", '<script src="probe.js"></script></head>')
    (folder / "probed.html").write_text(probed, encoding="utf-8")
    found, complaints = drawn(f"{address}/probed.html", tmp_path / "profile", width=600)
    assert found["images"] == len(parts) - 1
    assert (found["empty"], found["style"], complaints) == (0, "1120px", [])
    assert found["scroll"] <= found["inner"] == 600


@pytest.mark.cosim
def test_every_picture_says_what_it_shows(report):
    text = html.unescape((report / "index.html").read_text(encoding="utf-8"))
    pictures = re.findall(r'<img [^>]*alt="([^"]*)"><figcaption>([^<]*)<', text)
    assert len(pictures) >= 7
    assert all(len(shown) > 60 and caption not in shown for shown, caption in pictures)
    assert "A result comes 59 cycles after its token" in text
    assert 'alt="Floorplan of strips: cells 131072 um2, first converters ' in text


@pytest.mark.cosim
def test_a_head_without_metrics_says_how_to_get_them(small_report):
    words = html.unescape((small_report / "index.html").read_text(encoding="utf-8"))
    assert "No metrics of a synthesis are shipped for this configuration" in words
    data = json.loads((small_report / "report.json").read_text())
    assert data["estimate"] is None
    assert data["seed"] == 3
    assert data["cosimulation"]["mismatches"] == 0


@pytest.mark.cosim
def test_curves_of_a_training_are_shown(small_report):
    assert "Loss on held-out text" in (small_report / "index.html").read_text(encoding="utf-8")
    assert json.loads((small_report / "report.json").read_text())["learning"] == LEARNING


@pytest.mark.cosim
def test_a_floorplan_is_shown_with_its_parts_and_the_paper(small_report):
    words = " ".join(Page((small_report / "index.html").read_text(encoding="utf-8")).words)
    assert "0.38 x 0.50 mm: 0.0089 mm² at 28 nm" in words
    assert "the paper's has 0.5 mm² (published)" in words
    assert "1,234" in words
    assert "circuits of drawn parts are those of the netlist" in words
    assert "estimated" in words
    assert "191,250" in words
    assert json.loads((small_report / "report.json").read_text())["floorplan"] == FLOORPLAN
    pictures = [path.read_bytes() for path in (small_report / "parts").glob("drawn-*.png")]
    assert pictures == [PIXEL]


@pytest.mark.cosim
def test_without_a_floorplan_the_page_says_how_to_get_one(report):
    words = Page((report / "index.html").read_text(encoding="utf-8")).words
    assert "gaincell floorplan --config head.toml --control run/ -o drawn/" in words


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config": {}}, "is of another config"),
        ({"um2": "large"}, "is no folder of gaincell floorplan: an area is no number"),
        ({"parts": None}, "is no folder of gaincell floorplan"),
        ({"more": 1}, "is no folder of gaincell floorplan"),
        (None, "has no head.png"),
    ],
)
def test_a_folder_that_is_no_floorplan_is_refused(tmp_path, capsys, change, message):
    write_floorplan(tmp_path / "drawn", FLOORPLAN | (change or {}))
    if change is None:
        (tmp_path / "drawn" / "head.png").unlink()
    options = ["--config", "tiny", "--floorplan", str(tmp_path / "drawn")]
    assert main(["report", *options, "-o", str(tmp_path / "report")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "report").exists()


def test_a_sink_is_told():
    config = HeadConfig(head_dim=4, window=12, columns=4, sink=2)
    section = head.architecture(SimpleNamespace(config=config))
    told = section.blocks[0]["text"]
    assert "4 sub-tiles of 4 x 4 cells hold the keys and values of 12 tokens" in told
    assert "and of 2 sink tokens" in told
    rows = dict(section.blocks[-1]["rows"])
    assert rows["sink"] == "2"
    assert rows["score_saturation"] == f"{config.s_sat:g}, by the default rule"


def test_text_of_others_is_not_taken_for_html(tmp_path):
    section = Section("key", "<b>title</b>")
    section.text("a < b & c")
    section.table([["<script>alert(1)</script>"]])
    page = Page(render("t", "l", [section]).html)
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "a < b & c" in page.words


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--config", "nothing"], "nothing"),
        (["--seed", "-1"], "--seed is -1, but must be at least 0"),
        (["--metrics", "none.json"], "none.json"),
        (["--learning", "none.json"], "--learning none.json cannot be read"),
        (["--learning", "README.md"], "README.md is not valid JSON"),
        (["--learning", "curves.json"], "is no results.json of gaincell demo-ml: curve"),
        (["--gpu", "none.json"], "none.json"),
    ],
)
def test_wrong_input_is_one_sentence_and_no_folder(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("# Not JSON")
    shorter = LEARNING | {"held_out_nats_per_token": {"stock": CURVE | {"nats": [5.0]}}}
    (tmp_path / "curves.json").write_text(json.dumps(shorter))
    assert main(["report", *options, "-o", "report"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert message in said.err
    assert not (tmp_path / "report").exists()


def test_an_output_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert main(["report", "--config", "tiny", "-o", str(tmp_path / "file")]) == 2
    assert "is a file, but must be a folder" in capsys.readouterr().err
