"""Several Liberty files as one library, as a vendor means them that splits his cells into files."""

from collections.abc import Iterator

from gaincell.synth.library.cells import listed
from gaincell.synth.library.liberty_text import Attribute, Group

TEMPLATES = ("lu_table_template", "power_lut_template")
THRESHOLDS = (
    *(
        f"{kind}_threshold_pct_{edge}"
        for kind in ("input", "output", "slew_lower", "slew_upper")
        for edge in ("rise", "fall")
    ),
    "slew_derate_from_library",
)
"""Where a delay begins and ends: numbers of other thresholds cannot be added up."""


def operating_point(library: Group) -> tuple[str, float | None, float | None]:
    """Name, voltage, V, and temperature, C, of the corner; None where the file does not tell.

    The default conditions, else the ones of the nominal values, else the first.
    """
    nominal = [library.number(f"nom_{key}") for key in ("voltage", "temperature")]
    groups = list(library.groups("operating_conditions"))
    default = library.text("default_operating_conditions")
    named = [each for each in groups if each.name == default]
    like = [each for each in groups if each.number("voltage") == nominal[0]]
    for each in (*named, *like, *(groups if nominal[0] is None else [])):
        voltage, temperature = each.number("voltage"), each.number("temperature")
        return (
            each.name,
            nominal[0] if voltage is None else voltage,
            nominal[1] if temperature is None else temperature,
        )
    return "nominal", nominal[0], nominal[1]


def merged(libraries: list[tuple[str, Group]]) -> tuple[Group, list[str]]:
    """One library of all cells of ``libraries``, names and rescaled trees; and cautions.

    The first one's header stands for all.

    Raises
    ------
    ValueError
        Two files are of different corners or thresholds, or a cell is defined twice, differently.
    """
    first_name, whole = libraries[0]
    cautions: list[str] = []
    twice: list[str] = []
    cells: dict[str, tuple[str, Group]] = {}
    for name, library in libraries:
        if library is not whole:
            _check_same_corner(first_name, whole, name, library)
            cautions += _other_defaults(whole, library)
            _add_header(whole, library)
        for cell in library.groups("cell"):
            known = cells.setdefault(cell.name, (name, cell))
            if known[1] is cell:
                continue
            if known[1] != cell:
                places = known[0] if known[0] == name else f"{known[0]} and {name}"
                raise ValueError(
                    f"cell {cell.name} is defined twice in {places}, and differently: "
                    "leave one of the two out"
                )
            twice.append(cell.name)
    header = [item for item in whole.items if not (isinstance(item, Group) and item.kind == "cell")]
    whole.items = [*header, *(cell for _, cell in cells.values())]
    if twice:
        cautions.append(f"defined twice, alike: {listed(twice)}")
    return whole, list(dict.fromkeys(cautions))


def _check_same_corner(first_name: str, first: Group, name: str, library: Group) -> None:
    points = [operating_point(each)[1:] for each in (first, library)]
    for place, unit in enumerate(("V", "C")):
        values = [point[place] for point in points]
        if None not in values and values[0] != values[1]:
            raise ValueError(
                f"{first_name} is of {values[0]:g} {unit} and {name} of {values[1]:g} {unit}, "
                "but all --liberty files must be of one corner"
            )
    for key in THRESHOLDS:
        texts = [each.number(key) for each in (first, library)]
        if texts[0] != texts[1]:
            raise ValueError(
                f"{first_name} has {key} {texts[0]} and {name} has {texts[1]}, "
                "but all --liberty files must measure delays alike"
            )


def _other_defaults(first: Group, library: Group) -> Iterator[str]:
    for item in library.items:
        if isinstance(item, Attribute) and item.name.startswith("default_"):
            own = first.text(item.name)
            if own and own != ",".join(item.values).strip():
                yield f"the files differ in {item.name}: that of the first counts"


def _add_header(whole: Group, library: Group) -> None:
    """Add to ``whole`` what cells of ``library`` refer to; rename templates of other content."""
    known = {(each.kind, each.name): each for each in whole.items if isinstance(each, Group)}
    renamed: dict[tuple[str, str], str] = {}
    for each in library.items:
        if not isinstance(each, Group) or each.kind == "cell":
            continue
        same = known.get((each.kind, each.name))
        if each.kind in TEMPLATES and same is not None and same != each:
            old, place = each.name, 2
            while (each.kind, f"{old}_{place}") in known:
                place += 1
            each.args = [f"{old}_{place}"]
            renamed[each.kind, old] = each.name
        elif same is not None:
            continue
        known[each.kind, each.name] = each
        whole.items.append(each)
    if renamed:
        for cell in library.groups("cell"):
            _rename(cell, renamed)


def _rename(group: Group, renamed: dict[tuple[str, str], str]) -> None:
    for item in group.items:
        if not isinstance(item, Group):
            continue
        kind = "power_lut_template" if group.kind == "internal_power" else "lu_table_template"
        if group.kind in ("internal_power", "timing") and (kind, item.name) in renamed:
            item.args = [renamed[kind, item.name]]
        _rename(item, renamed)
