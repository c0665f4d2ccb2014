"""Mutants that are argued to be equivalent: the proof found no difference, and did not end.

An argument holds for one head and one change of one line of its Verilog. If the Verilog changes,
the mutant counts as a survivor until somebody argues again.
"""

NEVER_SO_EARLY = (
    "age_1 takes the place of age_0 when a query is launched, 40 cycles after the one before at "
    "the earliest, so that it is never 1..40"
)
NO_TOKEN_YET = (
    "the first token after reset starts a sequence, which sets the register; before, the fill is 0 "
    "and no visit looks at it"
)
ARGUMENTS = {
    "tiny: readout: assign raised_1_sum = base_2 ^ raised_0_carry; becomes "
    "(base_2 ^ raised_0_carry) ^ 8'h80": (
        "the bit is inverted in each of the 16 cycles of a conversion, so that it ends as it should"
    ),
    "tiny: refresh_young_columns: assign _05_ = rst ? 5'h00 : _23_; becomes "
    "(rst ? 5'h00 : _23_) ^ 5'h4": (
        "the bit is inverted in each cycle, and a visit of 146 cycles looks an even number of "
        "cycles after the register was loaded; after a start all columns are young until it is "
        "loaded anew"
    ),
    "tiny: write_pointer: assign _02_ = rst ? 2'h0 : next_column; becomes next_column": (
        NO_TOKEN_YET
    ),
    "sink: write_pointer: assign _02_ = rst ? 2'h0 : next_ring_tile; becomes next_ring_tile": (
        NO_TOKEN_YET
    ),
    "sink: refresh_young_columns: assign _08_ = rst ? 4'h0 : _23_; becomes _23_": NO_TOKEN_YET,
    "sink: refresh_held_columns: assign _03_ = fill > 4'hc; becomes fill >= 4'hc": (
        "with 12 tokens the newest is in the last column of the ring, so that the other operand of "
        "the disjunction is true for every column of the ring"
    ),
    "sink: sequencer: assign _025_ = age_1 == 6'h28; becomes age_1 == 6'h29": (
        f"{NEVER_SO_EARLY}; where it is 41, age_0 was 40 the cycle before and has set the enable, "
        "which is set once more"
    ),
    "sink: sequencer: assign _083_ = age_1 == 6'h26; becomes age_1 == 6'h25": NEVER_SO_EARLY,
}
