"""From a head's Verilog to area, timing, power and energy per token; estimates for whole systems.

Map a small head to the built-in estimate of a library, and ask what it needs:

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from gaincell.config import HeadConfig
>>> from gaincell.synth.flow import Given, run_flow
>>> from gaincell.synth.library.pdk import generic_library
>>> from gaincell.synth.steps.mapping import MappingOptions
>>> given = Given(
...     config=HeadConfig(head_dim=2, window=4, columns=2),
...     library=generic_library(),
...     options=MappingOptions(clock_ns=1.0),
...     estimate=True,
... )
>>> with TemporaryDirectory() as folder:
...     metrics = run_flow(given, Path(folder))
verilog ...
netlist ...
timing ...
>>> metrics.library.name, metrics.library.node_nm, metrics.area.flops
('generic', 45, 207)
>>> metrics.area.cells_um2 > metrics.area.sequential_um2 > metrics.area.by_block["readout"].area_um2
True

``gaincell synth`` does the same from the command line, with a Liberty file of real cells.
"""
