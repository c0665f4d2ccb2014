"""Writes the sections about one head: parts, timing, outputs, cost."""

from collections.abc import Mapping
from dataclasses import fields, replace

from gaincell.pictures.architecture import draw_architecture
from gaincell.pictures.attention import draw_attention
from gaincell.pictures.bars import draw_energy
from gaincell.pictures.floorplan import draw_floorplan
from gaincell.pictures.timing import draw_timing
from gaincell.report.inputs import Inputs
from gaincell.report.page import Section
from gaincell.synth.estimate.arrays import DACS, KEY_PRODUCT, VALUE_PRODUCT
from gaincell.synth.estimate.comparison import Mark
from gaincell.synth.estimate.scaling import TARGET_NM, TARGET_V
from gaincell.synth.estimate.system import DIGITAL, SYSTEMS, Estimate
from gaincell.synth.estimate.transistors import Transistors

ENERGIES = (KEY_PRODUCT, VALUE_PRODUCT, DACS, DIGITAL)
WORDS = {
    Mark.MEASURED: "measured",
    Mark.SIMULATED: "simulated",
    Mark.ESTIMATED: "estimated",
    Mark.TRANSISTORS: "estimated",
}
"""How the page marks a figure. A figure built from the paper's own number says so instead."""


def architecture(inputs: Inputs) -> Section:
    section, config = Section("head", "One head"), inputs.config
    section.text(
        f"{config.tiles} sub-tiles of {config.head_dim} x {config.columns} cells hold the keys and "
        f"values of {config.window} tokens"
        + (f", and of {config.sink} sink tokens" if config.sink else "")
        + f". Queries have {config.query_bits} bits, keys {config.key_bits}, values "
        f"{config.value_bits}, read-outs {config.readout_bits} bits and a sign."
    )
    section.picture(
        "The head as its configuration describes it.",
        f"Block diagram: tokens enter the digital control, which drives {config.tiles} key arrays "
        f"and {config.tiles} value arrays of {config.head_dim} x {config.columns} cells and reads "
        f"their pulses with the {config.readout} readout. "
        + ("A refresh unit writes columns again." if config.retention else "There is no refresh."),
        lambda path: draw_architecture(config, path),
    )
    derived = {
        "score_saturation": config.s_sat,
        "output_saturation": config.a_sat,
        "retention_error": config.retention_error_limit,
    }
    rows = []
    for field in fields(config):
        value = getattr(config, field.name)
        shown = f"{derived[field.name]:g}, by the default rule" if value is None else str(value)
        rows.append((field.name, shown))
    section.table(rows, ("parameter", "value"))
    return section


def timing(inputs: Inputs) -> Section:
    section, config = Section("timing", "Timing"), inputs.config
    latency, clock_ns = inputs.simulated.latency_cycles, config.clock_s * 1e9
    section.picture(
        "Three tokens on the wires, drawn from the waveform of a co-simulation.",
        "Timing diagram of three tokens with the phases of each: writes, QK, AV and read-out. A "
        f"result comes {latency.min()} cycles after its token, and a token can come every "
        f"{config.interval_cycles} cycles.",
        lambda path: draw_timing(inputs.waves, config, path),
    )
    section.table(
        [
            ("schedule", config.schedule, ""),
            (
                "latency",
                f"{latency.min()} cycles of {clock_ns:g} ns, {latency.max()} at most: the first "
                "token of a sequence waits until all cells are cleared",
                "simulated",
            ),
            ("a token every", f"{config.interval_cycles} cycles", "simulated"),
            (
                "oldest value read",
                f"{inputs.simulated.oldest_read_cycles} cycles",
                "simulated",
            ),
        ]
    )
    return section


def exactness(inputs: Inputs) -> Section:
    section, seen, tokens = Section("outputs", "Outputs"), inputs.comparison, inputs.tokens
    section.text(
        f"{seen.mismatches} of {seen.outputs} outputs of the Verilog differ from the contract, "
        f"over {len(inputs.simulated.latency_cycles)} tokens: {inputs.source}."
        + (f" {seen.first_difference}." if seen.first_difference else "")
    )
    drawn = replace(inputs.config, age_mode="steps")
    if tokens.q_code.ndim == 2:
        section.picture(
            "Scores in the slots of the window, and outputs.",
            f"Two maps over {len(tokens)} tokens: the scores of each token in the slots of the "
            f"window, where the newest column moves on by one slot with each token, and the "
            f"outputs in {inputs.config.head_dim} dimensions.",
            lambda path: draw_attention(
                *tokens.codes,
                drawn,
                inputs.simulated.y_code,
                path,
                first=tokens.first,
            ),
            ".png",
        )
    return section


def cost(inputs: Inputs) -> Section:
    section, estimate = Section("cost", "Area, power, energy"), inputs.estimate
    if estimate is None:
        section.text("No metrics of a synthesis are shipped for this configuration. To make them:")
        section.command("gaincell synth --config head.toml -o run/")
        section.text("Then add --metrics run/metrics.json to the command of this report.")
        return section
    digital = estimate.digital
    scaled = "scaled" if estimate.scaling.methods else "not scaled"
    section.text(
        f"At {TARGET_NM:g} nm and {TARGET_V:g} V. The digital control was synthesized in "
        f"{digital.library}, {digital.node}, and {scaled}; the analog part is built from the "
        "paper's own numbers. Of two ends, a verdict takes the higher."
    )
    areas = {name: band.verdict for name, band in estimate.area_um2.items()}
    section.picture(
        "Floorplan to scale. Each strip is as wide as all columns of an array.",
        f"Floorplan of strips: {_listed(areas, 'um2')}.",
        lambda path: draw_floorplan(inputs.config, areas, path),
    )
    _energy(section, inputs, estimate)
    for design in inputs.designs:
        _transistors(section, design, estimate)
    systems = []
    for name, size in SYSTEMS.items():
        each = estimate.system(*size)
        energy = (
            "no power in the metrics" if each.energy_j is None else str(each.energy_j.times(1e9))
        )
        systems.append((name, str(each.area_mm2), f"{each.latency_s * 1e9:.0f}", energy))
    section.table(systems, ("", "area, mm²", "latency, ns", "energy per token, nJ"))
    for caution in estimate.cautions():
        section.note(f"Note: {caution}.")
    return section


def _energy(section: Section, inputs: Inputs, estimate: Estimate) -> None:
    """Adds the energy by part, and all numbers beside the paper's."""
    bands = {name: estimate.energy_j[name] for name in ENERGIES}
    known = {
        name: (band.low * 1e12, band.high * 1e12)
        for name, band in bands.items()
        if band is not None
    }
    paper = {row.name: row.paper for row in inputs.rows if row.name in known}
    section.picture(
        "Energy per token by part: low end dark, high end light, the paper's figure below.",
        f"Bars of the high ends: {_listed({name: high for name, (_, high) in known.items()}, 'pJ')}"
        f". The paper's: {_listed(paper, 'pJ')}.",
        lambda path: draw_energy(known, paper, path),
    )
    section.table(
        [
            (
                row.name,
                row.unit,
                f"{row.paper:g}",
                str(row.ours),
                f"{row.ratio:.3g}",
                WORDS.get(row.mark, str(row.mark)),
            )
            for row in inputs.rows
        ],
        ("one head", "unit", "paper (published)", "gaincell", "ratio", ""),
    )


def _transistors(section: Section, design: Transistors, estimate: Estimate) -> None:
    """Adds what a head with the analog half of a design comes to."""
    section.text(
        f"The same head with the transistors of {design.name}, simulated at {design.node_nm:g} nm "
        f"and {design.voltage_v:g} V. Areas are estimated from their sizes. Of each band the low "
        "end is constant-field scaling, and the high end is none but of the supply."
    )
    section.table(
        [
            (
                row.name,
                row.unit,
                f"{row.paper:g}",
                str(row.ours),
                f"{row.ratio:.3g}",
                WORDS.get(row.mark, str(row.mark)),
            )
            for row in design.rows(estimate)
        ],
        (f"one head with {design.name}", "unit", "paper (published)", "gaincell", "ratio", ""),
    )


def _listed(values: Mapping[str, float], unit: str) -> str:
    return ", ".join(f"{name} {value:.0f} {unit}" for name, value in values.items())
