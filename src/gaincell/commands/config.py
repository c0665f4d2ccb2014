"""``gaincell config``: a configuration as TOML, with the values that follow from it."""

import argparse

from gaincell.config import HeadConfig
from gaincell.config_file import config_to_toml, load_config
from gaincell.core.file import core_to_toml, load_core
from gaincell.refusals import refusing
from gaincell.synth.estimate.analog import analog_to_toml, load_analog


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help="a preset's name or a TOML file")


def run(arguments: argparse.Namespace) -> int:
    with refusing():
        config = load_config(arguments.config)
        analog = load_analog(arguments.config)
        core = core_to_toml(load_core(arguments.config))
    text = f"{config_to_toml(config)}\n{analog_to_toml(analog)}{core}{derived_comments(config)}"
    print(text, end="")
    return 0


def derived_comments(config: HeadConfig) -> str:
    """Derived values as TOML comments, so that the output stays a valid config file."""
    timing = config.timing
    rows = [
        ("sub-tiles", f"{config.tiles} of {config.columns} columns"),
        ("score saturation", f"{config.s_sat:g}"),
        ("output saturation", f"{config.a_sat:g}"),
        ("outputs", f"-{config.result_max}..{config.result_max}, {config.result_width} bits"),
        ("query pulse", f"{config.pulse_cycles} cycles"),
        ("initiation interval", f"{timing.interval_cycles} cycles"),
        (
            "latency",
            f"{timing.latency_cycles} cycles, {timing.clear_cycles} more for a first token",
        ),
        ("results in flight", f"{timing.result_places}"),
        ("read within", _read_within(config)),
        *_refresh_rows(config),
    ]
    return "\n# derived\n" + "".join(f"# {name:20} {value}\n" for name, value in rows)


def _read_within(config: HeadConfig) -> str:
    if config.bound_cycles is None:
        return "any time"
    return f"{config.refresh_s:.3g} s, {config.bound_cycles} cycles"


def _refresh_rows(config: HeadConfig) -> list[tuple[str, str]]:
    plan = config.retention
    if plan is None:
        return [("refresh", "none")]
    return [
        ("visit of a column", f"{plan.visit_cycles} cycles"),
        ("patience with data", f"{plan.patience_cycles} cycles"),
        ("sweep", f"{plan.sweep_cycles} cycles"),
        ("skipped if younger", f"{plan.young_cycles} cycles"),
    ]
