"""A full disk is one sentence with status 3, and what was computed is still told."""

import subprocess

import pytest

from gaincell.cli import main

pytestmark = pytest.mark.needs("mount")
SIZE = 256 * 1024


@pytest.fixture
def disk(tmp_path):
    """A folder on a disk of its own with ``SIZE`` bytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder, left=0):
    (folder / "mine").write_bytes(bytes(SIZE - left))


def said(capsys):
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0].removeprefix("gaincell: ")


def test_a_full_disk_is_told_before_any_work(disk, capsys):
    fill(disk)
    assert main(["verilog", "--config", "tiny", "-o", str(disk / "v.v")]) == 3
    assert said(capsys) == f"output {disk / 'v.v'} cannot be written: No space left on device"


def test_a_disk_that_fills_up_names_the_file_and_keeps_no_half_of_it(disk, capsys):
    fill(disk, left=8192)
    assert main(["verilog", "--config", "tiny", "-o", str(disk / "v.v")]) == 3
    assert said(capsys) == f"{disk / 'v.v'}: No space left on device"
    assert [path.name for path in disk.iterdir()] == ["mine"]


def test_a_full_disk_of_temporary_files_names_its_folder(disk, capsys, tmp_path, monkeypatch):
    fill(disk, left=8192)
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    # Not the preset: its Verilog may have been made before.
    config = tmp_path / "head.toml"
    config.write_text('preset = "tiny"\nwrite_cycles = 11\n')
    assert main(["verilog", "--config", str(config), "-o", str(tmp_path / "v.v")]) == 3
    assert said(capsys).startswith(f"{disk}/gaincell-verilog-")


@pytest.mark.cosim
def test_outputs_are_compared_and_kept_when_the_waveform_is_lost(disk, capsys, tmp_path):
    fill(disk, left=8192)
    command = ["cosim", "--config", "tiny", "--tokens", "30", "--output", str(tmp_path / "o.npz")]
    assert main([*command, "--waves", str(disk / "w.vcd")]) == 3
    captured = capsys.readouterr()
    assert "mismatches        0 of 240 outputs" in captured.out
    assert f"gaincell: waveform {disk / 'w.vcd'} is lost: No space left" in captured.err
    assert (tmp_path / "o.npz").stat().st_size > 1000


@pytest.mark.cosim
def test_a_simulator_without_room_is_ended(disk, capsys, tmp_path, monkeypatch):
    fill(disk, left=65536)
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    command = ["cosim", "--config", "tiny", "--tokens", "100", "--waves", str(tmp_path / "w.vcd")]
    assert main(command) == 3
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"gaincell: {disk}/gaincell-run-")
    assert line.endswith(": No space left on device")
