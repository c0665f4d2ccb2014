"""``gaincell verilog --bus axi`` and ``--package``: what they write and refuse."""

from pathlib import Path

import pytest

from gaincell.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("odd.toml").write_text('preset = "tiny"\n[core]\nresult_beat_bits = 20\n')
    return tmp_path


def test_writes_a_core_with_a_host_port_and_its_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verilog", "--core", "tiny", "--bus", "axi", "--package", "-o", "core.v"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith(" kB, module gaincell_core")
    assert said[1] == "core.core, core.f, core.sdc, core.h, core.rdl: beside it"
    assert "s_axil_awaddr" in Path("core.v").read_text()
    assert "get_ports aclk" in Path("core.sdc").read_text()
    assert "      - core.h: {file_type: user}" in Path("core.core").read_text()


def test_a_package_of_a_head_has_nothing_for_software() -> None:
    assert main(["verilog", "--config", "tiny", "--package", "-o", "head.v"]) == 0
    assert {path.name for path in Path().glob("head.*")} == {
        "head.v",
        "head.core",
        "head.f",
        "head.sdc",
    }
    assert "toplevel: gaincell_head" in Path("head.core").read_text()
    assert "user" not in Path("head.core").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config", "tiny", "--bus", "axi"], "--bus is axi, but means nothing without --core"),
        (["--core", "odd.toml", "--bus", "axi"], "result_beat_bits is 20, but must be a multiple"),
        (
            ["--core", "tiny", "--bus", "axi", "--testbench", "tb.v"],
            "there is none for a core",
        ),
        (
            ["--core", "tiny", "--package", "--testbench", "core.f"],
            "but --package writes that",
        ),
    ],
)
def test_refuses_options_that_do_not_fit(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verilog", *arguments, "-o", "core.v"]) == 2
    assert said in capsys.readouterr().err
    assert {path.name for path in Path().iterdir()} == {"odd.toml"}


def test_a_package_is_named_after_verilog(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verilog", "--core", "tiny", "--package", "-o", "core"]) == 2
    assert "--output is core, but must end in .v with --package" in capsys.readouterr().err
