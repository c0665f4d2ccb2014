"""Messages between the server of heads and its client, described in docs/do/generation.md.

A message is two lengths in bytes (unsigned, 4 bytes each, little-endian), a JSON object, and codes
as integers of 4 bytes, little-endian.
"""

import json
import struct
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

PROTOCOL = 2
"""The server's first message holds this number. A client with another number must stop."""
_LENGTHS = struct.Struct("<II")
CODE = np.dtype("<i4")


class Closed(Exception):
    """The process at the other end of the pipe has ended."""


def send(stream: IO[bytes], header: dict[str, Any], *codes: NDArray[np.integer]) -> None:
    """Send a message; codes of any shape, one array after the other.

    Raises
    ------
    Closed
        The other process has ended.
    """
    text = json.dumps(header).encode()
    payload = b"".join(np.ascontiguousarray(each, dtype=CODE).tobytes() for each in codes)
    try:
        stream.write(_LENGTHS.pack(len(text), len(payload)) + text + payload)
        stream.flush()
    except (OSError, ValueError) as error:
        raise Closed(str(error)) from error


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], NDArray[np.integer]]:
    """Wait for a message; return its JSON object and its codes (N,).

    Raises
    ------
    Closed
        The stream ended before the message was whole.
    """
    text_bytes, code_bytes = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    header: dict[str, Any] = json.loads(_exactly(stream, text_bytes))
    return header, np.frombuffer(_exactly(stream, code_bytes), dtype=CODE)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    received = b""
    while len(received) < count:
        try:
            part = stream.read(count - len(received))
        except (OSError, ValueError) as error:
            raise Closed(str(error)) from error
        if not part:
            raise Closed("the other side has gone")
        received += part
    return received
