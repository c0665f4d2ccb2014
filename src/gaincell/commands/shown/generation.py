"""The results of ``gaincell generate``: a text and its figures, as a table and as JSON."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gaincell.ml.generate.generation import Generated
    from gaincell.ml.generate.served_heads import Agreement


@dataclass(frozen=True)
class Outcome:
    """A text, and with heads in RTL how they compare with the same run in torch alone."""

    generated: "Generated"
    torch: "Generated | None" = None
    agreement: "Agreement | None" = None
    heads: int = 0
    restarts: int = 0

    @property
    def same_text(self) -> bool:
        return self.torch is not None and self.generated.ids.tolist() == self.torch.ids.tolist()

    def rows(self) -> list[tuple[str, str]]:
        """The table for the terminal."""
        generated, seen = self.generated, self.agreement
        new = len(generated.ids) - generated.prompt
        rows = [
            ("tokens", f"{generated.prompt} of the prompt, {new} new"),
            ("perplexity of this text", f"{generated.perplexity:.4f}"),
            ("speed", f"{generated.tokens_per_s:.2f} tokens/s"),
        ]
        if seen is None or self.torch is None:
            return rows
        text = "the same text" if self.same_text else "another text"
        rows += [
            ("torch alone", f"{text}, perplexity {self.torch.perplexity:.4f} of its own"),
            ("heads in RTL", f"{self.heads}"),
            ("codes", f"{seen.different} of {seen.codes} differ from torch"),
            ("first difference", seen.first or "none"),
            ("RTL speed", f"{seen.head_tokens / max(seen.seconds, 1e-9):.0f} head-tokens/s"),
        ]
        if seen.different:
            mean = seen.total / seen.codes
            rows.append(("code error", f"mean {mean:.4f}, largest {seen.largest}"))
        if self.restarts:
            rows.append(("servers that died", f"{self.restarts}, all tokens replayed"))
        return rows

    def as_json(self) -> dict[str, Any]:
        """All of it for a file."""
        generated = self.generated
        whole: dict[str, Any] = {
            "ids": generated.ids.tolist(),
            "prompt_tokens": generated.prompt,
            "perplexity": generated.perplexity,
            "tokens_per_s": generated.tokens_per_s,
        }
        if self.agreement is None or self.torch is None:
            return whole
        return whole | {
            "torch": {"ids": self.torch.ids.tolist(), "perplexity": self.torch.perplexity},
            "heads": self.heads,
            "agreement": asdict(self.agreement),
            "restarts": self.restarts,
        }
