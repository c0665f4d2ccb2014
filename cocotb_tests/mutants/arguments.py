"""Mutants that are argued to be equivalent: the proof found no difference, and did not end.

An argument holds for one head and one change of one line of its Verilog. If the Verilog changes,
the mutant counts as a survivor until somebody argues again.
"""

IN_EACH_CYCLE = (
    "the bit is inverted in each of the 16 cycles of a conversion, so that it ends as it should"
)
ARGUMENTS = {
    "tiny: readout: assign base_2 = first ? _09_ : high_total[23:16]; becomes "
    "(first ? _09_ : high_total[23:16]) ^ 8'h80": IN_EACH_CYCLE,
    "tiny: readout: assign raised_1_sum = base_2 ^ raised_0_carry; becomes "
    "(base_2 ^ raised_0_carry) ^ 8'h10": IN_EACH_CYCLE,
    "tiny: refresh_young_columns: assign _05_ = rst ? 5'h00 : _23_; becomes "
    "(rst ? 5'h00 : _23_) ^ 5'h4": (
        "the bit is inverted in each cycle, and a visit of 146 cycles looks an even number of "
        "cycles after the register was loaded; after a start all columns are young until it is "
        "loaded anew"
    ),
    "tiny: refresh_young_columns: assign _18_ = segment_ends ? start : start_before; becomes "
    "(segment_ends ? start : start_before) ^ 1'h1": (
        "the bit is inverted in each cycle, also when it is loaded, and a visit of 146 cycles "
        "looks in the second one; in the segment after reset, start is set whenever a visit looks"
    ),
}
