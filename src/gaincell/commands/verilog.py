"""``gaincell verilog``: the Verilog of a head's digital control."""

import argparse
from pathlib import Path

from gaincell.config_file import load_config
from gaincell.files import check_writable, replacing
from gaincell.refusals import refusing
from gaincell.reports import file_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", required=True, help="a preset's name or a TOML file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Verilog file to write")


def run(arguments: argparse.Namespace) -> int:
    # Imported here so that other commands start without loading the HDL tools.
    from gaincell.hdl.verilog import head_verilog

    with refusing():
        config = load_config(arguments.config)
        check_writable(arguments.output)
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(head_verilog(config))
    print(f"{arguments.output}: {file_size(arguments.output)}, module gaincell_head")
    return 0
