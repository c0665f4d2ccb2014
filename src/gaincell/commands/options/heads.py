"""Reads heads of a model from a command line: ``10:0,12:4``."""


def heads_of(option: str, text: str) -> list[tuple[int, int]]:
    """(layer, head) pairs of the value of ``option``, a list such as ``10:0,12:4``.

    Raises
    ------
    ValueError
        The value is no such list.
    """
    try:
        pairs = [part.split(":") for part in text.split(",")]
        return [(int(layer), int(head)) for layer, head in pairs]
    except ValueError:
        raise ValueError(
            f"{option} is {text or repr(text)}, but must be a list such as 10:0,12:4"
        ) from None
