"""Heads of a model on a command line."""


def heads_of(option: str, text: str) -> list[tuple[int, int]]:
    """(layer, head) of a list such as ``10:0,12:4`` that ``option`` was given.

    Raises
    ------
    ValueError
        It is no such list.
    """
    try:
        pairs = [part.split(":") for part in text.split(",")]
        return [(int(layer), int(head)) for layer, head in pairs]
    except ValueError:
        raise ValueError(f"{option} is {text}, but must be a list such as 10:0,12:4") from None
