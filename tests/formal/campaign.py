"""Which property is proved of what, on which geometries."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from formal.bench import Bench, HeadBench
from formal.geometries import (
    LONG_WRITE,
    ONE,
    ONE_PAIRED,
    OTHER_READOUTS,
    OVERLAPPED,
    PAIRED,
    PLAIN,
    PLAIN_PAIRED,
    SEQUENTIAL,
    SINK,
    TWO_STAGES,
)
from formal.properties import beats, columns, host, phases, pointer, refresh, results, writes
from formal.refresh_bench import RefreshBench

from gaincell.config import HeadConfig
from gaincell.schedule import Schedule


@dataclass(frozen=True)
class Property:
    """A function that states it on a bench, the component it is about, two geometries or more."""

    state: Callable[..., None]
    about: str = "Head"
    configs: tuple[HeadConfig, ...] = (OVERLAPPED, PAIRED)
    bench: type[Bench] = HeadBench

    @property
    def name(self) -> str:
        """Module and function, in words."""
        module = self.state.__module__.rpartition(".")[2]
        return f"{module}: {self.state.__name__.replace('_', ' ')}"

    @property
    def claim(self) -> str:
        """First paragraph of what the property says of itself."""
        return " ".join(inspect.getdoc(self.state).split("\n\n")[0].split())

    def design(self, config: HeadConfig, timing: Schedule | None = None) -> str:
        """RTLIL of the property, stated for ``config``, of hardware built for it.

        Another ``timing`` than the config's makes a wrong head; only ``HeadBench`` takes one.
        """
        if self.bench is Bench:
            bench = Bench()
            self.state(bench, config)
        elif timing is None:
            bench = self.bench(config)
            self.state(bench)
        else:
            bench = HeadBench(config, timing)
            self.state(bench)
        return bench.design()


PROPERTIES = (
    Property(writes.in_range, configs=(PAIRED, LONG_WRITE)),
    Property(writes.never_in_a_read, configs=(OVERLAPPED, PAIRED, LONG_WRITE)),
    Property(writes.whole_and_stable, configs=(PAIRED, LONG_WRITE)),
    Property(writes.apart, configs=(OVERLAPPED, PAIRED, LONG_WRITE)),
    Property(writes.end_where_the_read_begins, configs=(OVERLAPPED, PAIRED, LONG_WRITE)),
    Property(writes.clear_with_each_sequence, configs=(OVERLAPPED, PAIRED, LONG_WRITE)),
    Property(writes.refresh_at_its_offsets, configs=(OVERLAPPED, PAIRED, LONG_WRITE)),
    Property(writes.carry_their_own_codes),
    Property(phases.integrators_do_one_thing),
    Property(phases.phases_follow_each_other),
    Property(phases.queries_inside_integration),
    Property(pointer.counts_tokens, "WritePointer", (PAIRED, LONG_WRITE, SEQUENTIAL), Bench),
    Property(results.one_per_query, configs=(OVERLAPPED, PAIRED, SEQUENTIAL)),
    Property(results.queue_keeps_order, "ResultQueue", (OVERLAPPED, PAIRED, SEQUENTIAL), Bench),
    Property(results.each_gets_its_own, configs=(PLAIN, PLAIN_PAIRED, TWO_STAGES, *OTHER_READOUTS)),
    Property(results.result_holds, configs=(OVERLAPPED, PAIRED, SEQUENTIAL)),
    Property(results.request_holds),
    Property(refresh.keeps_the_rules, configs=(ONE, OVERLAPPED, PAIRED)),
    Property(refresh.delays_by_one_write),
    Property(refresh.fill_is_exact, configs=(OVERLAPPED, PAIRED)),
    *(
        Property(state, "Refresh, WritePointer", (OVERLAPPED, SINK), RefreshBench)
        for state in (
            columns.skips_only_the_young,
            columns.never_beyond_the_bound,
            columns.worst_age_is_true,
            columns.writes_the_token_again,
            columns.refreshed_is_exact,
            columns.dropped_is_exact,
        )
    ),
    Property(refresh.read_within_bound, configs=(ONE, ONE_PAIRED)),
)

CORE_PROPERTIES = (
    Property(beats.collected, "Upsizer", (ONE, PAIRED), Bench),
    Property(beats.sent, "Downsizer", (ONE, PAIRED), Bench),
    Property(beats.groups_in_step, "AttentionCore", (OVERLAPPED, PAIRED, SEQUENTIAL), Bench),
    Property(host.registers_answer, "AxiLitePort", (ONE, PAIRED), Bench),
    Property(host.packets_received, "PacketReceiver", (ONE, PAIRED), Bench),
    Property(host.offers_hold, "HostedCore", (ONE, PAIRED), Bench),
)
"""What is proved of cores beside what holds for the head that a core is."""
