"""``gaincell sweep`` on the command line: its files, and what wrong inputs are told."""

import pytest
from sweeps import write_sweep

from gaincell.cli import main
from gaincell.sweep.jobs import job_of, measure
from gaincell.sweep.kept import keep
from gaincell.sweep.point import point_of

pytestmark = pytest.mark.needs("sweep")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAINCELL_CACHE", str(tmp_path / "cache"))


def test_points_without_measures_need_no_cluster(tmp_path, capsys):
    path = tmp_path / "sweep.toml"
    path.write_text(
        'metrics = ["latency", "interval", "analog_area"]\n'
        '[grid]\ncolumns = [32, 64, 48]\nschedule = ["overlapped", "paired", "sequential"]\n'
    )
    out = tmp_path / "out"
    assert main(["sweep", str(path), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "9 points, 0 measures: 0 kept from earlier, 0 to do" in said
    assert "9, 3 lack a metric" in said
    assert "window is 1024, but must be a multiple of columns (48)" in said
    names = {file.name for file in out.iterdir()}
    assert names == {"table.csv", "table.parquet", "pareto.svg", "index.html"}
    page = (out / "index.html").read_text()
    assert "9 points of sweep.toml; 3 lack a metric." in page
    assert page.count("<svg") + page.count("data:image/svg+xml") == 1


def test_kept_measures_make_a_table_before_all_are_there(tmp_path, capsys):
    path = tmp_path / "sweep.toml"
    head = 'metrics = ["latency", "analog_energy"]\nconfig = "tiny"\n[tokens]\ncount = 4\n[grid]\n'
    path.write_text(head + "columns = [4, 8]\n")
    arguments = ["sweep", str(path), "-o", str(tmp_path / "out"), "--kept"]
    assert main(arguments) == 1
    assert "no point has all its metrics; the first one: activity: not" in capsys.readouterr().err
    point = point_of({"config": "tiny", "tokens.count": 4, "columns": 8}, tmp_path)
    job = job_of("activity", point)
    keep(job.place, measure(job))
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "2 points, 2 measures: 1 kept from earlier, 1 left out" in said
    rows = (tmp_path / "out" / "table.csv").read_text().splitlines()
    assert rows[1].endswith("False,activity: not measured yet")
    assert rows[2].endswith("True,")


def test_a_sweep_whose_points_are_all_wrong_fails(tmp_path, capsys):
    path = tmp_path / "sweep.toml"
    path.write_text('metrics = ["latency"]\n[grid]\ncolumns = [0, 1000]\n')
    assert main(["sweep", str(path), "-o", str(tmp_path / "out")]) == 1
    assert "no point has all its metrics; the first one: columns is 0" in capsys.readouterr().err
    assert (tmp_path / "out" / "table.csv").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--workers", "0"], "--workers is 0, but must be at least 1"),
        (["--memory-gb", "-1"], "--memory-gb is -1, but must be at least 0.3"),
        (["--scheduler", "tcp://h:1", "--workers", "2"], "leave it out with --scheduler"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(tmp_path, capsys, options, sentence):
    out = tmp_path / "out"
    assert main(["sweep", str(write_sweep(tmp_path)), "-o", str(out), *options]) == 2
    assert sentence in capsys.readouterr().err
    assert not out.exists()


def test_files_that_are_not_there_are_refused(tmp_path, capsys):
    assert main(["sweep", str(tmp_path / "no.toml"), "-o", str(tmp_path / "out")]) == 2
    assert "no.toml cannot be read: No such file" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["sweep", str(write_sweep(tmp_path)), "-o", str(tmp_path / "file")]) == 2
    assert "is a file, but must be a folder" in capsys.readouterr().err


def test_a_scheduler_that_is_not_there_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("gaincell.sweep.cluster.PATIENCE_S", 1)
    arguments = ["sweep", str(write_sweep(tmp_path)), "-o", str(tmp_path / "out")]
    assert main([*arguments, "--scheduler", "tcp://127.0.0.1:9"]) == 3
    assert "no scheduler answers at tcp://127.0.0.1:9 within 1 s" in capsys.readouterr().err
