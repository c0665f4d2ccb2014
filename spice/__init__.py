"""Transistors: gain cells and converters in ngspice, and what a head takes from them.

A design is a folder with a netlist and its levels, one of ours or a user's own. Ask for the charge
of a full read pulse at two stored voltages, which takes a second in ngspice:

    from gaincell.spice.design import load_design
    from gaincell.spice.measure.charges import charges

    design = load_design("freepdk45")
    table = charges(design, [0.1, 0.9], [15])
    table.charge_c  # below 0: the cell lifts the bit line; above 0: it pulls the line down

``gaincell.spice.characterise`` measures all of a design, and so does ``gaincell characterise``.
"""
