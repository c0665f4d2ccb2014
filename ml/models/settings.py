"""The table ``gaincell`` in a converted model's config.json: its head and each layer's kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gaincell.config import HeadConfig
from gaincell.ml.models.scalers import LAYER_KINDS

OPTIONAL = {"maps", "first", "recent", "digital", "shared"}


@dataclass(frozen=True)
class Settings:
    """The head of every converted layer, and what each layer computes.

    maps : layers whose scalers are ``HeadMaps``
    first : layers that compute the first token of a sequence without the arrays
    recent : newest tokens, and with them the first one, that layers in ``maps`` attend to beside
        the arrays; 0: none
    digital : (layer, query head) without arrays, whose softmax is over as many tokens as the
        recent ones and the arrays of others hold together; only beside recent tokens
    shared : whether query heads that share keys and values share arrays in layers in ``maps``, too

    Raises
    ------
    ValueError
        A kind that is none of ``LAYER_KINDS``, a layer in ``maps`` or ``first`` that has no
        scalers, ``recent`` below 0, or a digital head in a layer without recent tokens.
    """

    head: HeadConfig
    kinds: tuple[str, ...]
    maps: tuple[int, ...] = ()
    first: tuple[int, ...] = ()
    recent: int = 0
    digital: tuple[tuple[int, int], ...] = ()
    shared: bool = False

    def __post_init__(self) -> None:
        if self.recent < 0:
            raise ValueError(f"recent is {self.recent}, but must be 0 or more")
        for layer, kind in enumerate(self.kinds):
            if kind not in LAYER_KINDS:
                known = ", ".join(LAYER_KINDS)
                raise ValueError(f"layer {layer} is of kind {kind!r}, but must be one of {known}")
        for name in ("maps", "first"):
            for layer in getattr(self, name):
                if layer not in range(len(self.kinds)) or self.kinds[layer] == "stock":
                    raise ValueError(f"{name} names layer {layer}, which is not on hardware")
        for layer, head in self.digital:
            if head < 0 or layer not in self.maps or not self.recent:
                raise ValueError(
                    f"digital names head {layer}:{head}, but only layers of a closed-form start "
                    "with recent tokens have digital heads"
                )

    @property
    def started(self) -> tuple[int, ...]:
        """Layers of the closed-form start: it fitted their weights to the arrays."""
        return tuple(sorted({*self.maps, *self.first}))

    @property
    def visible(self) -> int:
        """Newest tokens that a query sees, in the buffer and in the arrays."""
        return self.recent + self.head.window

    def digital_of(self, layer: int) -> tuple[int, ...]:
        """The digital heads of one layer, in order."""
        return tuple(sorted(head for each, head in self.digital if each == layer))

    def kept_of(self, layer: int) -> int:
        """Newest tokens whose keys and values stand beside the arrays of one layer."""
        if layer not in self.maps:
            return 0
        return self.visible if self.digital_of(layer) else self.recent

    @classmethod
    def of(cls, config: Any) -> Settings:
        """The settings in a Hugging Face config.

        Raises
        ------
        ValueError
            It has no table ``gaincell``, not one kind for each layer, or a digital head too many.
        """
        table = getattr(config, "gaincell", None)
        if not isinstance(table, Mapping) or set(table) - OPTIONAL != {"head", "kinds"}:
            raise ValueError(
                "the model's config has no table gaincell with head and kinds: use "
                "gaincell.ml.models.convert, or load a model that it converted"
            )
        layers = config.num_hidden_layers
        if len(table["kinds"]) != layers:
            raise ValueError(
                f"gaincell in the model's config names {len(table['kinds'])} kinds, but the model "
                f"has {layers} layers"
            )
        digital = tuple((layer, head) for layer, head in table.get("digital", ()))
        beyond = [head for _, head in digital if head >= config.num_attention_heads]
        if beyond:
            raise ValueError(
                f"gaincell in the model's config names digital head {beyond[0]}, but layers have "
                f"{config.num_attention_heads} heads"
            )
        extra = {name: tuple(table[name]) for name in ("maps", "first") if name in table}
        return cls(
            HeadConfig(**table["head"]),
            tuple(table["kinds"]),
            **extra,
            recent=table.get("recent", 0),
            digital=digital,
            shared=table.get("shared", False),
        )

    def as_table(self) -> dict[str, Any]:
        """The table of config.json: the head's fields that are not defaults, kinds and layers."""
        head = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.head.fields_set().items()
        }
        extra = {
            "maps": list(self.maps),
            "first": list(self.first),
            "recent": self.recent,
            "digital": [list(each) for each in self.digital],
            "shared": self.shared,
        }
        return {"head": head, "kinds": list(self.kinds)} | {
            name: value for name, value in extra.items() if value
        }
