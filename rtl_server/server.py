"""The server process, ``python -m gaincell.rtl_server.server``: it holds heads and answers."""

import gc
import os
import sys
import traceback
from pathlib import Path
from typing import IO, Any

import gaincell
from gaincell.behavioral.codes import Codes
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.pins import ElectricalError
from gaincell.cocotb_tests.bench.signals import UnknownWire
from gaincell.cocotb_tests.bench.streams import ProtocolError
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.rtl_server.core import RtlCore
from gaincell.rtl_server.library import load_library
from gaincell.rtl_server.protocol import PROTOCOL, Closed, receive, send

BROKEN_RULES = (ElectricalError, ProtocolError, UnknownWire)


class Cores:
    """The cores of one client, by their names."""

    def __init__(self) -> None:
        self._cores: dict[str, RtlCore] = {}

    def open(self, request: dict[str, Any], _: Codes) -> list[Codes]:
        """Make the cores; the arrays of each core are drawn from its own seed."""
        head = HeadConfig(**request["config"])
        for name, its in request["cores"].items():
            self._cores[name] = RtlCore(
                load_library(Path(its["library"])),
                CoreConfig(head=head, heads=its["heads"]),
                faults=Faults(**request["faults"]),
                seed=its["seed"],
                idle_cycles=request["idle_cycles"],
                check_age=request["check_age"],
            )
        gc.freeze()  # the cores stay: no collection needs to look at them
        return []

    def attend(self, request: dict[str, Any], codes: Codes) -> list[Codes]:
        """Send T tokens to a core; return its y codes (T, H, D)."""
        core = self._cores[request["core"]]
        q, k, v = codes.reshape(3, -1, core.design.heads, core.design.head.head_dim)
        return [core.attend(q, k, v)]

    def restart(self, request: dict[str, Any], _: Codes) -> list[Codes]:
        """The next token of a core is the first of a sequence."""
        self._cores[request["core"]].restart()
        return []


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer one message after the other until the client is gone."""
    cores = Cores()
    actions = {"open": cores.open, "attend": cores.attend, "restart": cores.restart}
    send(answers, {"protocol": PROTOCOL, "gaincell": gaincell.__version__})
    while True:
        request, codes = receive(requests)
        try:
            answer = actions[request["action"]](request, codes)
        except BROKEN_RULES as error:
            send(answers, {"broken_rule": str(error)})
        except Exception:
            send(answers, {"crash": traceback.format_exc()})
        else:
            send(answers, {}, *answer)


def main() -> None:
    # The pipes belong to the client: a print goes to stderr, and a read from stdin finds nothing.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        serve(requests, answers)
    except Closed:
        sys.exit(0)


if __name__ == "__main__":
    main()
