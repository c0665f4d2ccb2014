"""gaincell report: a page that holds everything, drawn by a browser without a complaint."""

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from gaincell.cli import main
from gaincell.config import HeadConfig
from gaincell.config_file import config_to_toml

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PROBE = """<script>
addEventListener("load", () => {
  const wide = [...document.querySelectorAll("body *")].filter(
    (each) => each.getBoundingClientRect().right > innerWidth + 0.5);
  const empty = [...document.images].filter((each) => !each.complete || !each.naturalWidth);
  document.title = JSON.stringify({
    scroll: document.documentElement.scrollWidth, inner: innerWidth,
    wide: wide.map((each) => each.tagName), images: document.images.length, empty: empty.length});
});
</script>"""


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


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Folder of a report of the gpt2 head."""
    folder = tmp_path_factory.mktemp("report") / "new" / "report"
    assert main(["report", "-o", str(folder)]) == 0
    return folder


def test_page_needs_nothing_else(report):
    page = Page((report / "index.html").read_text(encoding="utf-8"))
    assert page.tags.count("img") >= 7
    assert all(link.startswith(("data:image/", "#")) for link in page.links)
    assert "script" not in page.tags
    assert "link" not in page.tags
    ids = {link[1:] for link in page.links if link.startswith("#")}
    found = set(re.findall(r'<section id="(\w+)"', (report / "index.html").read_text()))
    assert ids == found


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


@pytest.mark.needs("chromium")
def test_a_browser_draws_all_of_it(report, tmp_path):
    browser = next(filter(None, map(shutil.which, BROWSERS)))
    text = (report / "index.html").read_text(encoding="utf-8")
    probed = tmp_path / "probed.html"
    probed.write_text(text.replace("</head>", f"{PROBE}</head>"), encoding="utf-8")
    run = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900",
         f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr",
         "--virtual-time-budget=10000", "--dump-dom", probed.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = json.loads(html.unescape(re.search(r"<title>(.*?)</title>", run.stdout)[1]))
    assert found["inner"] == 1280
    assert found["scroll"] <= 1280
    assert found["wide"] == []
    assert found["images"] >= 7
    assert found["empty"] == 0
    assert "CONSOLE" not in run.stderr


def test_a_head_without_metrics_says_how_to_get_them(tmp_path):
    config = tmp_path / "head.toml"
    config.write_text(config_to_toml(HeadConfig(head_dim=4, window=12, columns=4, sink=2)))
    folder = tmp_path / "report"
    assert main(["report", "--config", str(config), "--seed", "3", "-o", str(folder)]) == 0
    words = html.unescape((folder / "index.html").read_text(encoding="utf-8"))
    assert "No metrics of a synthesis are shipped for this configuration" in words
    assert (
        "4 sub-tiles of 4 x 4 cells hold the keys and values of 12 tokens and of 2 first" in words
    )
    data = json.loads((folder / "report.json").read_text())
    assert data["estimate"] is None
    assert data["seed"] == 3
    assert data["cosimulation"]["mismatches"] == 0


def test_text_of_others_is_not_taken_for_html(tmp_path):
    from gaincell.report.page import Section, render

    section = Section("key", "<b>title</b>")
    section.text("a < b & c")
    section.table([["<script>alert(1)</script>"]])
    page = Page(render("t", "l", [section]))
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "a < b & c" in page.words


def test_curves_of_a_training_are_shown(tmp_path):
    curve = {"label": "stock softmax", "steps": [0, 10], "nats": [5.0, 4.0]}
    learning = tmp_path / "results.json"
    demo = {"stock_steps": 10, "linear_steps": 5}
    found = {"held_out_nats_per_token": {"stock": curve}, "config": {"demo": demo}}
    learning.write_text(json.dumps(found))
    folder = tmp_path / "report"
    options = ["--config", "tiny", "--learning", str(learning)]
    assert main(["report", *options, "-o", str(folder)]) == 0
    assert "Loss on held-out text" in (folder / "index.html").read_text(encoding="utf-8")
    assert json.loads((folder / "report.json").read_text())["learning"] == found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--config", "nothing"], "nothing"),
        (["--seed", "-1"], "--seed is -1, but must be 0 or above"),
        (["--metrics", "none.json"], "none.json"),
        (["--learning", "none.json"], "--learning none.json cannot be read"),
        (["--learning", "README.md"], "is no results.json of gaincell demo-ml"),
        (["--gpu", "none.json"], "none.json"),
    ],
)
def test_wrong_input_is_one_sentence_and_no_folder(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("# Not JSON")
    assert main(["report", *options, "-o", "report"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert message in said.err
    assert not (tmp_path / "report").exists()


def test_an_output_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert main(["report", "--config", "tiny", "-o", str(tmp_path / "file")]) == 2
    assert "cannot be made: File exists" in capsys.readouterr().err
