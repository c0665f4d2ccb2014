"""The server process, ``python -m gaincell.rtl_server.server``: it holds heads and answers."""

import os
import sys
import traceback
from pathlib import Path
from typing import IO, Any

import gaincell
from gaincell.behavioral.codes import Codes
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.pins import ElectricalError
from gaincell.cocotb_tests.bench.streams import ProtocolError
from gaincell.cocotb_tests.bench.words import UnknownWire
from gaincell.config import HeadConfig
from gaincell.rtl_server.head import RtlHead
from gaincell.rtl_server.library import load_library
from gaincell.rtl_server.protocol import PROTOCOL, Closed, receive, send

BROKEN_RULES = (ElectricalError, ProtocolError, UnknownWire)


class Heads:
    """The heads of one client, by their names."""

    def __init__(self) -> None:
        self._heads: dict[str, RtlHead] = {}
        self._config = HeadConfig()

    def open(self, request: dict[str, Any], _: Codes) -> list[Codes]:
        """Make the heads; the arrays of each head are drawn from its own seed."""
        library = load_library(Path(request["library"]))
        self._config = HeadConfig(**request["config"])
        for name, seed in request["seeds"].items():
            self._heads[name] = RtlHead(
                library,
                self._config,
                faults=Faults(**request["faults"]),
                seed=seed,
                idle_cycles=request["idle_cycles"],
                check_age=request["check_age"],
            )
        return []

    def attend(self, request: dict[str, Any], codes: Codes) -> list[Codes]:
        """Send T tokens to each of some heads; return their y codes (heads, T, D)."""
        names, dims = request["heads"], self._config.head_dim
        q, k, v = codes.reshape(3, len(names), -1, dims)
        return [self._heads[name].attend(*own) for name, *own in zip(names, q, k, v, strict=True)]

    def restart(self, request: dict[str, Any], _: Codes) -> list[Codes]:
        """The next token of each head is the first of a sequence."""
        for name in request["heads"]:
            self._heads[name].restart()
        return []


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer one message after the other until the client is gone."""
    heads = Heads()
    actions = {"open": heads.open, "attend": heads.attend, "restart": heads.restart}
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
