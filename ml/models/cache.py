"""The cache of a converted model in generation: the arrays of each layer, of O(window) memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from gaincell.ml.models.beside.recent import Recent
from gaincell.ml.models.beside.ring_layer import RingLayer
from gaincell.ml.models.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def _outside_graphs(method: F) -> F:
    disable: Any = torch.compiler.disable
    outside: F = disable(method, reason="a HardwareCache branches on what it holds")
    return outside


class HardwareCache(Cache):
    """A ``past_key_values``: arrays for layers on hardware, plain keys and values for the others.

    It belongs to one conversion of one model, whose layers reach it through ``of``. To all others
    ``update`` refuses. A copy belongs to the same model.

    Parameters
    ----------
    config : the config of the converted model itself, ``model.config``
    """

    def __init__(self, config: Any) -> None:
        settings = Settings.of(config)
        super().__init__(
            layers=[
                DynamicLayer()
                if kind in ("softmax", "stock")
                else RingLayer(settings.head, kind, settings.kept_of(layer))
                for layer, kind in enumerate(settings.kinds)
            ]
        )
        table = config.gaincell

        def belongs_to(other: Any) -> bool:
            return getattr(other, "gaincell", None) is table

        # Every conversion makes its own table. A function stays the same in a copy of the cache.
        self._belongs_to = belongs_to
        self._starts: Tensor | None = None
        self._padded_behind = False

    def of(self, module: nn.Module) -> LayerCache:
        """What an attention layer of the model sees of the cache.

        Raises
        ------
        ValueError
            The layer is not of this cache's model, or the model was converted since.
        """
        if not self._belongs_to(module.config):
            raise _foreign()
        return LayerCache(self, int(module.layer_idx))  # type: ignore[arg-type]

    def update(self, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Refuse: a layer that comes here was not converted, or attends to another sequence."""
        raise _foreign()

    @_outside_graphs
    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, starts: Tensor | None) -> Tensor:
        """y codes (B, H, T, D) of new tokens, after their ``LayerCache.update``.

        ``starts`` (B,) are the rows' first real tokens, counted from the first token of all calls.

        Raises
        ------
        TypeError, ValueError
            As ``RingCache.attend``.
        """
        ring = self.layers[layer]
        assert isinstance(ring, RingLayer)
        if starts is not None:
            tokens = q.shape[2]
            starts = (starts - (ring.tokens - tokens)).clamp(0, tokens)
        return ring.arrays(k).attend(q.detach(), k.detach(), v.detach(), starts)

    @_outside_graphs
    def starts_with(self, starts: Tensor | None, mask: Tensor | None, past: int) -> Tensor | None:
        """Each row's first real token (B,), of this call's mask or of those before it.

        Parameters
        ----------
        starts : of ``mask``, which is over all tokens so far; None: there is no padding or no mask
        past : tokens of earlier calls

        Raises
        ------
        ValueError
            The masks contradict each other, or padding stands behind real tokens of earlier calls.
        """
        if mask is None:
            if past and self._padded_behind:
                raise ValueError(
                    "a row of earlier calls with this cache ends with padding, which the arrays "
                    "store: pad on the left to go on"
                )
            self._starts = self._starts if past else None
            return self._starts
        none = torch.zeros(len(mask), dtype=torch.int64, device=mask.device)
        now, before = (none if each is None else each for each in (starts, self._starts))
        if past and not torch.equal(now.clamp(max=past), before.clamp(max=past)):
            raise ValueError(
                "attention_mask has other padding than in earlier calls with this cache: give the "
                "same mask and what is new, or a new cache"
            )
        self._padded_behind = bool(((mask[:, -1] == 0) & (mask != 0).any(1)).any())
        self._starts = starts
        return starts

    def reset(self) -> None:
        super().reset()
        self._starts, self._padded_behind = None, False

    def crop(self, tokens_to_remove: int) -> None:
        """As ``RingLayer.crop``, and before any layer has changed."""
        for layer in self.layers:
            if isinstance(layer, RingLayer):
                layer.crop(tokens_to_remove)
        super().crop(tokens_to_remove)

    def reorder_cache(self, beam_idx: Tensor) -> None:
        super().reorder_cache(beam_idx)
        self._select(beam_idx)

    def batch_select_indices(self, indices: Tensor) -> None:
        super().batch_select_indices(indices)
        self._select(indices)

    def batch_repeat_interleave(self, repeats: int) -> None:
        super().batch_repeat_interleave(repeats)
        if self._starts is not None:
            self._starts = self._starts.repeat_interleave(repeats)

    def _select(self, rows: Tensor) -> None:
        if self._starts is not None:
            self._starts = self._starts[rows.to(self._starts.device)]


@dataclass(frozen=True)
class LayerCache:
    """A ``HardwareCache`` in the hands of the layer ``layer`` of its model."""

    cache: HardwareCache
    layer: int

    @property
    def tokens(self) -> int:
        """Tokens of all calls so far."""
        return int(self.cache.get_seq_length(self.layer))

    @_outside_graphs
    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Take new keys and values; returns those that ``attend_layer`` then gets."""
        assert layer_idx == self.layer
        keys, values = self.cache.layers[layer_idx].update(key_states, value_states)
        return keys, values

    @_outside_graphs
    def recent(self, k: Tensor, v: Tensor, starts: Tensor | None, tokens: int) -> Recent:
        """What the newest ``tokens`` queries find beside the arrays, after ``update`` gave k, v."""
        ring = self.cache.layers[self.layer]
        assert isinstance(ring, RingLayer)
        if starts is None:
            starts = torch.zeros(len(k), dtype=torch.int64, device=k.device)
        return ring.seen_recently(k, v, starts, tokens)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, starts: Tensor | None) -> Tensor:
        return self.cache.attend(self.layer, q, k, v, starts)


def _foreign() -> ValueError:
    return ValueError(
        "this HardwareCache was made for another model, or before the model was converted anew: "
        "make a new one with HardwareCache(model.config), or leave past_key_values out"
    )
