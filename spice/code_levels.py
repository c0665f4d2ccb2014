"""What follows from the voltages, bits and clock of a design, simulated or measured."""


class CodeLevels:
    """Codes, voltages and pulses of a table with the fields below."""

    full_scale_v: float
    lowest_v: float
    clock_s: float
    query_bits: int
    code_bits: int

    @property
    def full_steps(self) -> int:
        """Clocks of a full query pulse."""
        return (1 << self.query_bits) - 1

    @property
    def full_pulse_s(self) -> float:
        """Length of a full query pulse, s."""
        return self.full_steps * self.clock_s

    @property
    def codes(self) -> int:
        """Number of stored codes."""
        return 1 << self.code_bits

    def stored_v(self, code: float) -> float:
        """Voltage that a code writes, V."""
        return self.lowest_v + (self.full_scale_v - self.lowest_v) * code / (self.codes - 1)

    @property
    def middle_v(self) -> float:
        """Between the voltages of code 0 and of the largest code, V."""
        return (self.lowest_v + self.full_scale_v) / 2

    @property
    def step_v(self) -> float:
        """Between two neighbouring codes, V."""
        return (self.full_scale_v - self.lowest_v) / (self.codes - 1)
