"""Layers of a model on a command line: 0,3,10-15 or auto:6, and what layers compute."""

AUTO = "auto:"


def layers_of(text: str | None) -> list[int] | None:
    """Layer numbers of a list such as ``0,3,10-15``; None, for all layers, without a list.

    Raises
    ------
    ValueError
        The text is no such list.
    """
    if text is None:
        return None
    layers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        try:
            begin, end = int(first), int(last if dash else first)
        except ValueError:
            raise ValueError(
                f"--layers is {text or repr(text)}, but must be a list such as 0,3,10-15"
            ) from None
        if end < begin:
            raise ValueError(f"--layers holds {part}, which ends before it begins")
        layers += range(begin, end + 1)
    return layers


def automatic(option: str, text: str | None, least: int = 1) -> int | None:
    """N of ``auto:N``, which chooses N layers or heads; None for any other text.

    Raises
    ------
    ValueError
        N is no whole number of ``least`` or more.
    """
    if text is None or not text.startswith(AUTO):
        return None
    digits = text.removeprefix(AUTO)
    if not (digits.isascii() and digits.isdigit() and int(digits) >= least):
        raise ValueError(
            f"{option} is {text}, but {AUTO} needs a whole number after it, {least} or more"
        )
    return int(digits)


def kinds_of(model: object) -> str:
    """What the layers of a model compute, in words: "2 layers hardware, 1 layers stock".

    Digital heads are counted too, if there are any: ", 6 heads digital".
    """
    from gaincell.ml.models.hardware_model import HardwareModel
    from gaincell.ml.models.settings import Settings

    if not isinstance(model, HardwareModel):
        return "stock"
    settings = Settings.of(model.config)
    parts = [
        f"{settings.kinds.count(kind)} layers {kind}" for kind in dict.fromkeys(settings.kinds)
    ]
    digital = len(settings.digital)
    return ", ".join(parts + [f"{digital} heads digital"] * bool(digital))


def digital_heads_of(model: object) -> list[tuple[str, str]]:
    """A row of a table that names a model's digital heads; none if it has none."""
    from gaincell.ml.models.hardware_model import HardwareModel
    from gaincell.ml.models.settings import Settings

    digital = Settings.of(model.config).digital if isinstance(model, HardwareModel) else ()
    return [("digital heads", ", ".join(f"{a}:{b}" for a, b in digital))] if digital else []
