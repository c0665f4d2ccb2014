"""Writes the first section, a table of the main results, and the last, how to make the page."""

from gaincell.report.head import WORDS
from gaincell.report.inputs import LIBRARIES, Inputs
from gaincell.report.models import PAPER
from gaincell.report.page import Section
from gaincell.synth.estimate.comparison import Mark
from gaincell.synth.estimate.system import DIGITAL, total
from gaincell.versions import versions


def at_a_glance(inputs: Inputs) -> Section:
    section, config = Section("glance", "At a glance"), inputs.config
    latency, clock_ns = inputs.simulated.latency_cycles, config.clock_s * 1e9
    paper_ns = f"{PAPER.latency_s * 1e9:g} ns"
    rows = [
        ("latency of a token", f"{latency.min() * clock_ns:g} ns", "simulated", paper_ns),
        ("a token every", f"{config.interval_cycles * clock_ns:g} ns", "simulated", paper_ns),
        (
            "outputs that differ from the contract",
            f"{inputs.comparison.mismatches} of {inputs.comparison.outputs}",
            "simulated",
            "",
        ),
    ]
    if (estimate := inputs.estimate) is not None:
        area = estimate.system(1, 1).area_mm2
        rows.append(("area of a head", f"{area} mm²", str(Mark.PAPER), "0.5 mm²"))
        for name, band, paper in (
            ("digital control, energy per token", estimate.energy_j[DIGITAL], "4 nJ"),
            (
                "energy per token and head",
                total(estimate.energy_j.values()),
                f"{(PAPER.energy_j or 0) * 1e9:g} nJ",
            ),
        ):
            if band is not None:
                mark = WORDS[Mark.ESTIMATED] if "digital" in name else str(Mark.PAPER)
                rows.append((name, f"{band.times(1e9)} nJ", mark, paper))
    results = inputs.adaptation or {}
    if (seen := results.get("all-ours")) is not None:
        last = max(seen["after"], key=int, default=None)
        trained = f", {seen['after'][last]:.1f} after {last} steps" if last else ""
        rows.append(
            (
                "SmolLM2-135M, all 30 layers on the arrays",
                f"perplexity {seen['before']:.1f} without training{trained}; stock "
                f"{results['teacher']:.1f}",
                "measured",
                "",
            )
        )
    section.table(rows, ("", "gaincell", "", "the paper (published)"))
    section.note(
        "Simulated: counted in clock cycles of the Verilog. Measured: taken from a program run. "
        "Estimated: scaled from another technology. Published: a figure of others."
    )
    return section


def about(inputs: Inputs) -> Section:
    section = Section("about", "How this was made")
    section.command("gaincell report --config head.toml -o report/")
    section.table(
        [*versions(*LIBRARIES).items(), ("seed", str(inputs.seed)), ("tokens", inputs.source)]
    )
    return section
