"""``Tokens``: the codes that enter heads; read from npz files, drawn at random, or shipped."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.codes import Codes, check_first, check_sequence
from gaincell.config import PRESETS, HeadConfig
from gaincell.core.config import CoreConfig, core_of
from gaincell.refusals import foreign

KEYS = {"q": "q_code", "k": "k_code", "v": "v_code", "first": "first"}
"""Names of the arrays in an npz file, and the fields of ``Tokens`` that they fill."""
REQUIRED = ("q", "k", "v")
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
MOST_BYTES = 1 << 32
"""Size of all codes of an npz file, which may be far larger than the file."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """The codes of T tokens, in the order in which they enter a head, or heads in lock step.

    q_code : integers (T, D) for one query per token, or (T, G, D) for G queries per token; of heads
        in lock step (T, H, D)
    k_code, v_code : integers (T, D); of heads in lock step (T, groups, D)
    first : flags (T,), the token starts a sequence
    """

    q_code: Codes
    k_code: Codes
    v_code: Codes
    first: NDArray[Any]

    def __len__(self) -> int:
        """T."""
        return len(self.k_code)

    def __getitem__(self, chosen: slice) -> Self:
        """The tokens of a slice."""
        return type(self)(*(array[chosen] for array in self.arrays().values()))

    @property
    def codes(self) -> tuple[Codes, Codes, Codes]:
        """q, k and v codes, as ``attend`` takes them."""
        return self.q_code, self.k_code, self.v_code

    @property
    def queries_per_token(self) -> int:
        """G, or 1 for queries (T, D); of heads in lock step, heads of a group."""
        groups = 1 if self.k_code.ndim == 2 else self.k_code.shape[1]
        return 1 if self.q_code.ndim == 2 else self.q_code.shape[1] // groups

    @property
    def query_axes(self) -> tuple[int, ...]:
        """(G,), or () for queries (T, D): axes of what there is once for each query of a token."""
        return () if self.q_code.ndim == 2 else (self.queries_per_token,)

    @property
    def groups(self) -> int | None:
        """Groups of heads in lock step; None for the tokens of one head."""
        return None if self.k_code.ndim == 2 else self.k_code.shape[1]

    def in_lock_step(self) -> Self:
        """The same for one head with the dimensions of all groups: (T, G, groups * D), and so on.

        Query g of a token holds head g of every group.
        """
        if self.k_code.ndim == 2:
            return self
        (tokens, groups, dims), group = self.k_code.shape, self.queries_per_token
        q_code = self.q_code.reshape(tokens, groups, group, dims).swapaxes(1, 2)
        return type(self)(
            q_code.reshape(tokens, group, groups * dims),
            self.k_code.reshape(tokens, groups * dims),
            self.v_code.reshape(tokens, groups * dims),
            self.first,
        )

    def of_heads(self, y_code: NDArray[Any]) -> NDArray[Any]:
        """What heads made of these tokens, shaped as ``q_code``, from its form in lock step.

        The last axis of ``y_code``, which has one row for each query, may have any length per
        group.
        """
        if self.k_code.ndim == 2:
            return y_code.reshape(*self.q_code.shape[:-1], -1)
        (tokens, groups, _), group = self.k_code.shape, self.queries_per_token
        by_group = y_code.reshape(tokens, group, groups, -1).swapaxes(1, 2)
        return by_group.reshape(tokens, groups * group, -1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays under their names in an npz file."""
        return {key: getattr(self, field) for key, field in KEYS.items()}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Tokens of the arrays ``q``, ``k``, ``v`` and ``first``; other arrays are ignored."""
        return cls(**{field: arrays[key] for key, field in KEYS.items()})

    @classmethod
    def concatenate(cls, parts: Sequence["Tokens"]) -> Self:
        """The tokens of all parts, one part after the other."""
        arrays = [part.arrays() for part in parts]
        return cls(*(np.concatenate([part[key] for part in arrays]) for key in KEYS))

    def save(self, path: Path) -> None:
        """Write an npz file that ``load_tokens`` reads."""
        arrays: dict[str, Any] = self.arrays()
        np.savez(path, **arrays)


def load_tokens(path: Path, config: HeadConfig, count: int | None = None) -> Tokens:
    """Tokens of an npz file with ``q``, ``k``, ``v`` and, optionally, ``first``.

    Other arrays in the file are ignored. ``count`` takes only the first tokens.

    Raises
    ------
    ValueError
        The file cannot be read, or lacks an array. An array has a wrong shape, or codes out of
        range. The file holds no tokens, or fewer than ``count``.
    TypeError
        An array does not hold integers.
    """
    if not path.is_file():
        raise ValueError(f"input {path} is not a file")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"input {path} is not a complete npz file")
    arrays = _arrays(path)
    if missing := [name for name in REQUIRED if name not in arrays]:
        raise ValueError(f"input {path} lacks the array {', '.join(missing)}")
    try:
        return _checked(arrays, config, count)
    except (TypeError, ValueError) as error:
        raise type(error)(f"input {path}: {error}") from error


def check_heads(tokens: Tokens, core: CoreConfig) -> None:
    """Raise ValueError unless ``tokens`` are those of ``core``: its heads, or one head's."""
    if tokens.groups is None and core.heads == 1:
        return
    heads = tokens.q_code.shape[1] if tokens.groups is not None else 1
    if (heads, tokens.groups or 1) != (core.heads, core.groups):
        raise ValueError(
            f"tokens have {heads} heads in {tokens.groups or 1} groups, but must have "
            f"{core.heads} in {core.groups}"
        )


def random_tokens(
    count: int, config: HeadConfig, rng: np.random.Generator, heads: tuple[int, int] | None = None
) -> Tokens:
    """``count`` tokens of one sequence with uniformly random codes.

    ``heads`` : (H, groups) of heads in lock step; None for one head
    """
    queries, shape = token_shapes(count, config, heads)
    return Tokens(
        q_code=rng.integers(0, config.query_max + 1, queries),
        k_code=rng.integers(0, config.key_max + 1, shape),
        v_code=rng.integers(0, config.value_max + 1, shape),
        first=np.arange(count) == 0,
    )


def token_shapes(
    count: int, config: HeadConfig, heads: tuple[int, int] | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of q, and of k and v, of ``count`` tokens; ``heads`` as for ``random_tokens``."""
    if heads is None:
        return (count, config.head_dim), (count, config.head_dim)
    of_queries, groups = heads
    return (count, of_queries, config.head_dim), (count, groups, config.head_dim)


def shipped_tokens(config: HeadConfig, count: int | None = None) -> Tokens:
    """Codes of one head of a language model reading a text; see gaincell/data/README.md."""
    with as_file(files("gaincell.data") / "smollm2_head_codes.npz") as path:
        return load_tokens(path, config, count)


def typical_tokens(config: HeadConfig | CoreConfig, seed: int) -> tuple[Tokens, str]:
    """Shipped codes if ``config`` has their shape, else random ones; and where they are from.

    The shipped codes are of one head: the heads of a core read them from places of their own.
    """
    core = core_of(config)
    head, heads = core.head, core.heads_and_groups if core is config else None
    codes = ("head_dim", "query_bits", "key_bits", "value_bits")
    if all(getattr(head, name) == getattr(PRESETS["gpt2"], name) for name in codes):
        shipped, source = shipped_tokens(head), "SmolLM2 reading a text (shipped)"
        if heads is None:
            return shipped, source
        return _from_many_places(shipped, *heads), f"{source}, each head from another place"
    count = 2 * head.window + head.sink
    tokens = random_tokens(count, head, np.random.default_rng(seed), heads)
    return tokens, (
        f"{count} random tokens, seed {seed}, "
        "since the shipped codes are not of this config's shape"
    )


def _from_many_places(tokens: Tokens, heads: int, groups: int) -> Tokens:
    """The tokens of one head for H heads: each begins elsewhere, and goes on at the beginning."""
    count = len(tokens)

    def spread(codes: Codes, parts: int) -> Codes:
        begins = np.arange(parts) * count // parts
        return np.stack([np.roll(codes, -begin, axis=0) for begin in begins], axis=1)

    k_code, v_code = (spread(codes, groups) for codes in (tokens.k_code, tokens.v_code))
    return Tokens(spread(tokens.q_code, heads), k_code, v_code, tokens.first)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of ``KEYS`` that the file holds; ValueError says why it cannot be read."""
    fault = f"input {path} cannot be read"
    with foreign(fault), zipfile.ZipFile(path) as stored:
        members = [each for each in stored.infolist() if each.filename.split(".npy")[0] in KEYS]
    for member in members:
        if member.compress_type not in METHODS:
            raise ValueError(
                f"{fault}: {member.filename} is compressed by method {member.compress_type} of "
                "zip, but Python knows deflate, bzip2 and LZMA"
            )
    if (size := sum(member.file_size for member in members)) > MOST_BYTES:
        raise ValueError(f"{fault}: its codes take {size} bytes, but at most {MOST_BYTES} are read")
    with foreign(fault), np.load(path, allow_pickle=False) as arrays:
        try:
            return {name: arrays[name] for name in KEYS if name in arrays}
        except MemoryError as error:
            raise ValueError("a header promises a larger array than the file holds") from error


def _checked(arrays: dict[str, NDArray[Any]], config: HeadConfig, count: int | None) -> Tokens:
    available = check_sequence(arrays["q"], arrays["k"], arrays["v"], config).tokens
    first = check_first(arrays.get("first"), available)
    if not available:
        raise ValueError("it holds no tokens")
    if count is not None and count > available:
        raise ValueError(f"it holds {available} tokens, fewer than the {count} asked for")
    return Tokens.of_arrays(arrays | {"first": first})[:count]
