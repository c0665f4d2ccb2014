"""``gaincell demo``: one head of a language model, from config to compared results and pictures."""

import argparse
from pathlib import Path

from gaincell.commands.shown.cosim import report_difference, result_rows, save_results
from gaincell.config import PRESETS
from gaincell.files import check_writable, make_folder, replacing
from gaincell.refusals import refusing
from gaincell.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("build/demo"), help="folder for all results"
    )


def run(arguments: argparse.Namespace) -> int:
    from gaincell.behavioral.tokens import shipped_tokens
    from gaincell.cocotb_tests.run.build import build
    from gaincell.cocotb_tests.run.compare import compare
    from gaincell.cocotb_tests.run.simulate import simulate
    from gaincell.cocotb_tests.run.waves import WAVE_TOKENS, record_waves
    from gaincell.pictures.architecture import draw_architecture
    from gaincell.pictures.attention import draw_attention
    from gaincell.pictures.timing import draw_timing

    folder: Path = arguments.output
    with refusing():
        make_folder(folder)
        check_writable(folder / "results.npz")
    config = PRESETS["gpt2"]
    tokens = shipped_tokens(config)

    print("Generating and building the gpt2 head ...", flush=True)
    simulation = build(config, progress=True)
    with replacing(folder / "head.v") as unfinished:
        unfinished.write_text(simulation.verilog.read_text())
    simulated = simulate(simulation, tokens, config, progress=True)
    save_results(folder / "results.npz", simulated)
    comparison = compare(tokens, simulated, config)

    print(f"Recording the waveform of {WAVE_TOKENS} tokens, every wire in every cycle ...")
    waves = folder / "waves.vcd"
    record_waves(tokens, config, waves, progress=True)

    pictures = [folder / f"{name}.png" for name in ("architecture", "timing", "attention")]
    draw_architecture(config, pictures[0])
    draw_timing(waves, config, pictures[1])
    draw_attention(*tokens.codes, config, simulated.y_code, pictures[2])
    rows = result_rows(folder / "head.v", simulated, comparison)
    print(table([*rows, ("waveform", str(waves)), ("pictures", ", ".join(map(str, pictures)))]))
    return report_difference(comparison)
