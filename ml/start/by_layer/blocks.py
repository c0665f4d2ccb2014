"""A model's own layers, run alone: what attention is given, and the stream with other parts.

Nothing of a layer is written down again. An attention function of transformers takes queries, keys,
values and scale from the model's modules; a part that the start replaces is answered for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from gaincell.ml.attention.softmax import Reach, softmax_attention
from gaincell.ml.models.anatomy import Family, Projection
from gaincell.ml.models.beside.recent import Recent
from gaincell.ml.models.families import family_of
from gaincell.ml.models.layer import check_scores, padding_starts

NAME = "gaincell_start"
BATCH = 8
"""Windows that pass a layer at once."""
FIRST = slice(0, BATCH)


@dataclass(frozen=True)
class Heads:
    """What a layer's attention is given, and all that decides what softmax makes of it.

    q : (W, H, T, D); k, v : (W, H_kv, T, D); as attention takes them
    scale : of q k^T before softmax
    window : tokens that a query sees, if the model has a sliding window
    """

    q: Tensor
    k: Tensor
    v: Tensor
    scale: float
    window: int | None

    @classmethod
    def joined(cls, parts: Sequence[Heads]) -> Heads:
        """Of all windows, from the parts of some each."""
        q, k, v = (torch.cat([getattr(part, name) for part in parts]) for name in "qkv")
        return cls(q, k, v, parts[0].scale, parts[0].window)

    def __getitem__(self, windows: slice | Tensor) -> Heads:
        return Heads(self.q[windows], self.k[windows], self.v[windows], self.scale, self.window)

    @property
    def group(self) -> int:
        """Query heads that share keys and values."""
        return self.q.shape[1] // self.k.shape[1]

    def recent(self, recent: int) -> Recent:
        """What the queries find beside arrays that take each token ``recent`` tokens later."""
        return Recent.of_text(self.k, self.v, recent)

    def softmax(self) -> Tensor:
        """The output of the model's own attention, (W, H, T, D)."""
        reach = None if self.window is None else Reach(self.window)
        return softmax_attention(self.q, self.k, self.v, reach, scale=self.scale)


class Block:
    """One layer without caches and masks; streams are (W, T, C) of the windows in ``part``.

    ``part`` is one of ``batches``: each has its own positions.

    Attributes
    ----------
    out, down : the last projections of attention and of the MLP
    residual : factor of their outputs in the stream
    """

    def __init__(self, family: Family, layer: nn.Module, arguments: list[tuple[Any, Any]]) -> None:
        self.layer, self._arguments = layer, arguments
        self.attention = layer.get_submodule(family.attention)
        self.out, self.down = (
            Projection(layer.get_submodule(p)) for p in (family.out, family.down)
        )
        self.residual = float(getattr(layer, family.residual)) if family.residual else 1.0

    def heads(self, stream: Tensor, part: slice = FIRST) -> Heads:
        """What the layer's attention is given."""
        try:
            self._run(stream, part, start_take=True)
        except _Taken as taken:
            heads: Heads = taken.what
            return heads
        raise ValueError(
            f"{type(self.attention).__name__} does not call the attention functions of transformers"
        )

    def after(self, stream: Tensor, part: slice = FIRST) -> Tensor:
        """The stream after the layer."""
        return self._run(stream, part)

    def finished(
        self,
        stream: Tensor,
        added: Tensor,
        down: Callable[[Tensor], Tensor] | None = None,
        part: slice = FIRST,
    ) -> Tensor:
        """The stream after the layer if attention gives ``added`` (W, T, C).

        ``down`` takes the place of the MLP's last projection.
        """
        with (
            _answering(self.attention, lambda *_, **__: (added, None)),
            _answering(self.down.module, down),
        ):
            return self._run(stream, part)

    def _run(self, stream: Tensor, part: slice, **more: Any) -> Tensor:
        args, kwargs = self._arguments[part.start // BATCH]
        with parameters_of(self.layer, stream.dtype):
            after: Tensor = self.layer(stream, *args, **kwargs, **more)
        return after


class _Taken(Exception):
    """No error: it ends a run that has given what was wanted."""

    def __init__(self, what: Any) -> None:
        self.what = what


@contextmanager
def taken_apart(
    model: Any, windows: Tensor, starts: Tensor | None = None
) -> Iterator[tuple[Tensor, list[Block]]]:
    """The stream (W, T, C) before layer 0 of tokens ``windows`` (W, T), and all layers.

    ``starts`` (W,) are the positions at which the windows begin; default 0.

    The stream is float32, or float64 if the model is. The layers can run inside this context only.

    Raises
    ------
    TypeError
        As ``family_of``.
    """
    family = family_of(model)
    layers, before = family.layers_of(model), model.config._attn_implementation
    windows = windows.to(model.device)
    model.config._attn_implementation = NAME
    try:
        given = [
            _given(model, layers, windows[part], None if starts is None else starts[part])
            for part in batches(len(windows))
        ]
        streams = [stream for stream, _ in given]
        wide = torch.promote_types(streams[0].dtype, torch.float32)
        arguments = zip(*(each for _, each in given), strict=True)
        blocks = [Block(family, *each) for each in zip(layers, map(list, arguments), strict=True)]
        yield torch.cat(streams).to(wide), blocks
    finally:
        model.config._attn_implementation = before


def logits_after(model: Any, windows: Tensor, stream: Tensor) -> Tensor:
    """Logits (W, T, V) that the model makes of a stream (W, T, C) behind its last layer."""
    with ExitStack() as stack:
        for layer in family_of(model).layers_of(model):
            stack.enter_context(_answering(layer, lambda *_, **__: stream))
        for module in (family_of(model).last_norm_of(model), model.get_output_embeddings()):
            stack.enter_context(parameters_of(module, stream.dtype))
        logits: Tensor = model(windows.to(model.device), use_cache=False).logits
    return logits


def batches(count: int) -> Iterator[slice]:
    return (slice(begin, min(count, begin + BATCH)) for begin in range(0, count, BATCH))


@contextmanager
def parameters_of(module: nn.Module, dtype: torch.dtype) -> Iterator[None]:
    """Inside this context the module's parameters are of ``dtype``; changes of them are lost."""
    before = [(each, each.data) for each in module.parameters() if each.is_floating_point()]
    try:
        for parameter, data in before:
            parameter.data = data.to(dtype)
        yield
    finally:
        for parameter, data in before:
            parameter.data = data


def _given(
    model: Any, layers: list[nn.Module], windows: Tensor, starts: Tensor | None
) -> tuple[Tensor, list[tuple[Any, Any]]]:
    """The stream (W, T, C) before the first layer, and what else the model gives each layer."""
    streams: list[Tensor] = []
    found: list[tuple[Any, Any]] = []

    def pass_on(stream: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        streams.append(stream)
        found.append((args, kwargs))
        return stream

    more = {}
    if starts is not None:
        more["position_ids"] = starts[:, None].to(windows) + torch.arange(windows.shape[1]).to(
            windows
        )
    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(_answering(layer, pass_on))
        model(windows, use_cache=False, logits_to_keep=1, **more)
    return streams[0], found


@contextmanager
def _answering(module: nn.Module, answer: Callable[..., Any] | None) -> Iterator[None]:
    """Inside this context ``answer`` is computed in the module's place; None: no change."""
    if answer is None:
        yield
        return
    own = vars(module).get("forward")
    module.forward = answer
    try:
        yield
    finally:
        del module.forward
        if own is not None:
            module.forward = own


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    start_take: bool = False,
    **more: Any,
) -> tuple[Tensor, None]:
    """The attention function of the model's modules: softmax, or what attention is given."""
    check_scores(more)
    scale = query.shape[3] ** -0.5 if scaling is None else scaling
    heads = Heads(query, key, value, scale, sliding_window)
    if start_take:
        raise _Taken(heads)
    return heads.softmax().transpose(1, 2), None


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, padding_starts)
