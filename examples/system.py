"""A core with a host port in an Amaranth design: ``python examples/system.py > system.v``."""

from amaranth import Module
from amaranth.back import verilog
from amaranth.lib import wiring

from gaincell.config_file import load_config
from gaincell.core.config import CoreConfig
from gaincell.hdl.host.hosted_core import HostedCore


class System(wiring.Component):
    """Twelve heads that a processor reaches by AXI; the arrays are outside."""

    def __init__(self) -> None:
        self.core = HostedCore(CoreConfig(head=load_config("tiny"), heads=12))
        super().__init__(self.core.signature)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = self.core
        # A system puts its own interconnect, DMA and memory of columns here.
        wiring.connect(m, wiring.flipped(self), self.core)
        return m


if __name__ == "__main__":
    print(verilog.convert(System(), name="system", emit_src=False))
