"""``build``: compile the simulation of a config, or take it from the cache."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cocotb_tools.config import libs_dir

from gaincell.cache import cached
from gaincell.cocotb_tests.bench.watch import watch_parameters
from gaincell.cocotb_tests.bench.words import count_bits, token_positions
from gaincell.cocotb_tests.run.build_cache import compiled_folder, drop_other_main
from gaincell.cocotb_tests.run.progress import building
from gaincell.cocotb_tests.run.simulators import SIMULATORS, VISIBLE, Simulator
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of
from gaincell.hdl.verilog import head_verilog
from gaincell.refusals import Unable
from gaincell.system.processes import reason, run

BENCH = Path(__file__).parents[1] / "bench"
BENCH_SOURCES = (
    *("tb.v", "token_streams.v", "column_store.v", "column_watch.v", "pulse_transport.v"),
    *("beat_source.v", "beat_sink.v"),
)
LAYOUT = "token_layout.vh"


class BuildFailed(Unable):
    """The simulator cannot be built; the message says why, and names the log."""


@dataclass(frozen=True)
class Simulation:
    """A simulation compiled for ``simulator`` in ``folder``."""

    folder: Path
    simulator: str

    @property
    def verilog(self) -> Path:
        """The head's Verilog in it."""
        return self.folder / "head.v"


def build(
    config: HeadConfig | CoreConfig,
    *,
    simulator: str = "verilator",
    waves: str | None = None,
    verilog: str | None = None,
    progress: bool = False,
) -> Simulation:
    """The simulation of a head or a core: compiled now, or in an earlier run.

    Compiled simulations are kept under ``cache_folder()`` by the content of all sources, flags,
    tool versions, and the place of cocotb's libraries, where a simulation looks for them.

    Parameters
    ----------
    simulator : a name in ``SIMULATORS``
    waves : "vcd", "fst" or "saif", optional
        The simulation can write a waveform of this format, or count changes (Verilator).
    verilog : str, optional
        Verilog of the head, by default generated; another text puts a changed head to the test.
    progress : bool
        Say on stderr what is compiled, and for how long.

    Raises
    ------
    MissingTool
        A program or header is not installed.
    BuildFailed
        A tool of the simulator failed.
    Unable
        The cache cannot be written to.
    """
    return build_bench(
        lambda: bench_sources(config, verilog),
        [*BENCH_SOURCES, "head.v"],
        bench_parameters(config),
        simulator=simulator,
        waves=waves,
        shown=lambda what: building(what, config, progress),
    )


def build_bench(
    texts: Callable[[], dict[str, str]],
    compiled: Sequence[str],
    parameters: dict[str, int],
    *,
    simulator: str = "verilator",
    waves: str | None = None,
    shown: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> Simulation:
    """The simulation of a test bench ``tb`` and what is in it, as ``build`` keeps them.

    Parameters
    ----------
    texts : callable
        The sources by file name, with ``VISIBLE``; asked for once the tools are known to be there.
    compiled : sequence of str
        Files that the compiler is given; the others are included by them.
    parameters : dict
        Of ``tb``.
    shown : callable
        Given what is compiled; its context lasts as long as that takes.
    """
    if simulator not in SIMULATORS:
        raise ValueError(f'simulator is "{simulator}", but must be one of {", ".join(SIMULATORS)}')
    record = SIMULATORS[simulator]
    environment, levels = record.environment(waves), record.levels(waves)
    sources = texts()
    arguments = record.build_arguments(waves)
    tools = [version("cocotb"), version("verilator")]
    recipe = (arguments, simulator, waves, tools)
    place = str(libs_dir)
    folder = cached("simulation", *recipe, levels, place, sorted(sources.items()), parameters)
    if not folder.exists():
        runtime = cached("runtime", *recipe)
        headers = cached("headers", *recipe, levels, record.compiler())
        with (
            shown(f"the {simulator} simulation"),
            compiled_folder(folder, runtime, sources, headers) as unfinished,
        ):
            how = (record, waves, parameters, environment | levels, compiled)
            _compile(unfinished, *how)
            if drop_other_main(unfinished, runtime):
                _compile(unfinished, *how)
    return Simulation(folder, simulator)


def bench_sources(config: HeadConfig | CoreConfig, verilog: str | None = None) -> dict[str, str]:
    """Verilog of the test bench and of the head by file name; ``verilog`` as for ``build``.

    The file ``LAYOUT`` is included by another one.
    """
    sources = {name: (BENCH / name).read_text() for name in (*BENCH_SOURCES, VISIBLE)}
    core = core_of(config)
    positions = token_positions(core.lock_step).items()
    sources[LAYOUT] = "".join(f"localparam {name} = {value};\n" for name, value in positions)
    for name, beat_bits in (("token", core.token_beat_bits), ("response", core.refresh_beat_bits)):
        seen = "0" if beat_bits is None else f"head.{name}_upsizer.whole_``part"
        sources[LAYOUT] += f"`define {name.upper()}_WHOLE(part) {seen}\n"
    return sources | {"head.v": head_verilog(config) if verilog is None else verilog}


def bench_parameters(design: HeadConfig | CoreConfig) -> dict[str, int]:
    """Parameters of the Verilog test bench for a head or a core."""
    core = core_of(design)
    config = core.lock_step
    return {
        "D": config.head_dim,
        "KEY_BITS": config.key_bits,
        "VALUE_BITS": config.value_bits,
        "MAGNITUDE_BITS": config.readout_bits,
        "COUNT_BITS": count_bits(config),
        "RESULT_BITS": config.result_width,
        "TILES": config.tiles,
        "BANKS": config.timing.banks,
        "SYNC_STAGES": config.sync_stages,
        "LATE_CYCLES": config.late_cycles,
        "TOKEN_BEAT": core.token_beat_bits or 0,
        "RESULT_BEAT": core.result_beat_bits or 0,
        "REFRESH_BEAT": core.refresh_beat_bits or 0,
        **watch_parameters(config),
    }


def _compile(
    folder: Path,
    simulator: Simulator,
    waves: str | None,
    parameters: dict[str, int],
    changes: dict[str, str],
    sources: Sequence[str],
) -> None:
    """Run the simulator's compilers in ``folder``. No name holds its path, so any path will do."""
    for name, text in simulator.control_files.items():
        (folder / name).write_text(text)
    for command in simulator.build_commands(waves, parameters, sources):
        compile_in(folder, command, changes, f"{simulator.name} cannot build the simulation")


def compile_in(folder: Path, command: list[str], changes: dict[str, str], fault: str) -> None:
    """Run one compiler; ``changes`` are of its environment. Raises BuildFailed with ``fault``."""
    log = folder / "build.log"
    # Not every compiler takes any path for its temporary files.
    if status := run(command, folder, log, {**changes, "TMPDIR": "."}):
        # The folder will vanish.
        kept = Path(tempfile.mkstemp(prefix="gaincell-build-", suffix=".log")[1])
        shutil.copy(log, kept)
        raise BuildFailed(f"{fault}: {reason(log, status)}; see {kept}")
