"""The digital control of one attention head, in Amaranth; ``head.Head`` is its top.

Every component is synthesizable, takes its sizes from a ``HeadConfig``, and says in its docstring
what each port means in which cycle. ``head_verilog`` turns a whole head into one Verilog file:

>>> from gaincell.config import HeadConfig
>>> from gaincell.hdl.verilog import head_verilog
>>> config = HeadConfig(head_dim=2, window=4, columns=2, query_bits=2)
>>> print(head_verilog(config).splitlines()[4])
// overlapped schedule: one query every 20 cycles, result after 35.

Any component runs by itself in Amaranth's simulator. Here query codes become pulses, one cycle long
per step of the code; dimension 1, the left bit, has code 3:

>>> from amaranth.sim import Simulator
>>> from gaincell.hdl.query_pulses import QueryPulses
>>> dut = QueryPulses(config)
>>> async def testbench(ctx):
...     ctx.set(dut.code, [1, 3])
...     ctx.set(dut.start, 1)
...     for cycle in range(1, 5):
...         await ctx.tick()
...         ctx.set(dut.start, 0)
...         print(f"cycle {cycle}: {ctx.get(dut.pulse):02b}")
>>> simulator = Simulator(dut)
>>> simulator.add_clock(1e-9)
>>> simulator.add_testbench(testbench)
>>> simulator.run()
cycle 1: 11
cycle 2: 10
cycle 3: 10
cycle 4: 00
"""
