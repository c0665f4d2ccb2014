"""Components of a gain-cell attention head for hwcomponents, which finds this package by its name.

Areas, energies and times are those of ``gaincell estimate`` at 28 nm. Every component takes the
head's config, a preset's name or a TOML file, and the metrics of its synthesis.
"""

from hwcomponents import ActionCost, ComponentModel, action

from gaincell.exports.figures import HeadFigures, figures_of

OPERANDS, STAGES = ("key", "value"), ("score", "output")
FREE = float("inf")
"""Throughput of what does not hold up a token: the schedule does, and the control has it."""


class _Part(ComponentModel):
    """A part of the head; the attribute ``head`` has all figures."""

    priority = 0.9

    def __init__(self, area: float, head: HeadFigures) -> None:
        # The estimate's energies hold leakage: it is part of a token's energy at full rate.
        super().__init__(leak_power=0.0, area=area)
        self.head = head


class GainCellArray(_Part):
    """The gain cells of all keys, or of all values, of one head.

    The energies include the converters behind the array, as the published ones do.

    Parameters
    ----------
    config : preset or config file
    metrics : metrics.json of ``gaincell synth``; "": the shipped one
    operand : "key" or "value"
    """

    component_name = "GainCellArray"

    def __init__(self, config: str = "gpt2", metrics: str = "", operand: str = "key") -> None:
        head = figures_of(config, metrics)
        self.operand = _one_of("operand", operand, OPERANDS)
        super().__init__(head.cells_m2 / 2, head)

    @property
    def _query_j(self) -> float:
        head = self.head
        return head.key_product_j if self.operand == "key" else head.value_product_j

    @action
    def query(self) -> ActionCost:
        """A whole product: every cell is read."""
        return ActionCost(energy=self._query_j, latency=0.0, throughput=FREE)

    @action
    def read(self) -> ActionCost:
        """One cell's part of a product."""
        cells = self.head.config.head_dim * self.head.config.stored_columns
        return ActionCost(energy=self._query_j / cells, latency=0.0, throughput=FREE)

    @action
    def write(self) -> ActionCost:
        """One cell takes its charge; the DAC's action has the energy."""
        return ActionCost(energy=0.0, latency=0.0, throughput=FREE)


class PulseConverter(_Part):
    """All charge-to-pulse converters of one stage; their energy is part of the arrays'.

    Parameters
    ----------
    config, metrics : as of ``GainCellArray``
    stage : "score", behind the keys, or "output", behind the values
    """

    component_name = "PulseConverter"

    def __init__(self, config: str = "gpt2", metrics: str = "", stage: str = "score") -> None:
        head = figures_of(config, metrics)
        first = _one_of("stage", stage, STAGES) == "score"
        super().__init__(head.score_converters_m2 if first else head.output_converters_m2, head)

    @action
    def read(self) -> ActionCost:
        """A charge becomes a pulse."""
        return ActionCost(energy=0.0, latency=0.0, throughput=FREE)


class WriteDac(_Part):
    """The DACs of the keys, or of the values: one for each dimension.

    Parameters
    ----------
    config, metrics, operand : as of ``GainCellArray``
    """

    component_name = "WriteDac"

    def __init__(self, config: str = "gpt2", metrics: str = "", operand: str = "key") -> None:
        head = figures_of(config, metrics)
        key = _one_of("operand", operand, OPERANDS) == "key"
        self.bits = head.config.key_bits if key else head.config.value_bits
        super().__init__(head.dacs_m2 / 2, head)

    @action
    def read(self) -> ActionCost:
        """A code becomes the voltage of one cell."""
        return ActionCost(energy=self.bits * self.head.dac_bit_j, latency=0.0, throughput=FREE)


class HeadControl(_Part):
    """The digital control, which has the head's schedule.

    Parameters
    ----------
    config, metrics : as of ``GainCellArray``
    """

    component_name = "HeadControl"

    def __init__(self, config: str = "gpt2", metrics: str = "") -> None:
        head = figures_of(config, metrics)
        super().__init__(head.control_m2, head)

    @action
    def token(self) -> ActionCost:
        """A whole token: writes, pulses, sums and refresh."""
        head = self.head
        return ActionCost(
            energy=head.control_j, latency=head.latency_s, throughput=1 / head.interval_s
        )

    @action
    def read(self) -> ActionCost:
        """One dimension's part of a token, as its query passes."""
        head, dims = self.head, self.head.config.head_dim
        return ActionCost(
            energy=head.control_j / dims, latency=0.0, throughput=dims / head.interval_s
        )


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{name} is {value!r}, but must be one of {', '.join(known)}")
    return value
