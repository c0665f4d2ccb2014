"""The units of a Liberty file: the one place where they become those of all tools and of ours.

Every number of a library is rescaled to one set of units before anything else sees it. So ABC,
OpenSTA and our own reader agree whatever the file's units are: slack is in ns, and constraints and
reports need no conversion. Decimals keep the digits: the same library in other units gives the same
text.
"""

import re
from decimal import Decimal

from gaincell.synth.library.liberty_text import NUMBER, Attribute, Group

SI = {
    "time": 1e-9,
    "capacitance": 1e-15,
    "leakage": 1e-9,
    "energy": 1e-15,
    "voltage": 1.0,
}
"""Seconds, farad, watt, joule and volt of a number of a rescaled library."""

DECLARED = {
    # attribute: quantity, suffix, unit of a rescaled library, what Liberty means without it
    "time_unit": ("time", "s", "1ns", "1ns"),
    "voltage_unit": ("voltage", "v", "1V", "1V"),
    "current_unit": ("current", "a", "1mA", "1mA"),
    "pulling_resistance_unit": ("resistance", "ohm", "1kohm", "1kohm"),
    "leakage_power_unit": ("leakage", "w", "1nW", ""),
    "capacitive_load_unit": ("capacitance", "f", "1ff", ""),
}
ASSUMED = {"leakage_power_unit": "1nW", "capacitive_load_unit": "1pf"}
"""Where Liberty has no default: what other tools take."""
PREFIX = {"": 0, "k": 3, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18}
UNIT = re.compile(r"([\d.]*(?:e[+-]?\d+)?)[\s,*]*([kmunpfa]?)(s|v|a|ohm|w|f)", re.IGNORECASE)

SCALED = {
    "time": (
        "max_transition min_transition default_max_transition intrinsic_rise intrinsic_fall "
        "default_intrinsic_rise default_intrinsic_fall min_pulse_width_high min_pulse_width_low "
        "min_period minimum_period constraint_high constraint_low skew"
    ),
    "capacitance": (
        "capacitance rise_capacitance fall_capacitance rise_capacitance_range "
        "fall_capacitance_range capacitance_range max_capacitance min_capacitance "
        "default_input_pin_cap default_output_pin_cap default_inout_pin_cap "
        "default_max_capacitance default_wire_load_capacitance"
    ),
    "leakage": (
        "cell_leakage_power default_cell_leakage_power default_leakage_power_density value "
        "cell_leakage"
    ),
    "voltage": "nom_voltage voltage vil vih vol voh vimin vimax vomin vomax",
    "resistance": "resistance default_wire_load_resistance",
    "slope": (
        "rise_resistance fall_resistance default_inout_pin_rise_res default_inout_pin_fall_res "
        "default_output_pin_rise_res default_output_pin_fall_res"
    ),
}
QUANTITY = {name: quantity for quantity, names in SCALED.items() for name in names.split()}
"""Quantity of an attribute with one unit wherever it stands; all others are left as they are."""
TEMPLATES = {"timing": "lu_table_template", "internal_power": "power_lut_template"}
"""Where the tables of a group find the meaning of their axes."""


def rescale(library: Group) -> list[str]:
    """Bring every number of ``library`` to the units of ``SI``; return what had to be assumed.

    Raises
    ------
    ValueError
        A unit is none, or is declared twice.
    """
    factors, assumed = _factors(library)
    templates = {
        (group.kind, group.name): [group.text(f"variable_{place}") for place in (1, 2, 3)]
        for group in library.groups(*TEMPLATES.values())
    }
    if any(factor != 1 for factor in factors.values()):
        _rescale(library, factors, templates, "")
    library.items = [
        item
        for item in library.items
        if not (isinstance(item, Attribute) and item.name in DECLARED)
    ]
    declared = [Attribute(name, [unit]) for name, (_, _, unit, _) in DECLARED.items()]
    declared[-1] = Attribute("capacitive_load_unit", ["1", "ff"], complex=True)
    library.items[:0] = declared
    return assumed


def axis_quantity(variable: str) -> str:
    """The quantity on an axis of a table: "time", "capacitance", or "" for any other."""
    if "capacitance" in variable or variable.endswith("_cap"):
        return "capacitance"
    return "time" if "transition" in variable or "time" in variable else ""


def _factors(library: Group) -> tuple[dict[str, Decimal], list[str]]:
    """By quantity, a number of ours over the same one in the file; and what was assumed."""
    factors, assumed = {}, []
    for name, (quantity, suffix, ours, default) in DECLARED.items():
        texts = list(dict.fromkeys(" ".join(each.values) for each in library.attributes(name)))
        if len(texts) > 1:
            raise ValueError(f"{name} is declared twice, as {texts[0]} and as {texts[1]}")
        if not texts and not default:
            assumed.append(f"no {name} is declared: {ASSUMED[name]} is assumed")
        text = texts[0] if texts else default or ASSUMED[name]
        factors[quantity] = _size(name, text, suffix) / _size(name, ours, suffix)
    factors["energy"] = factors["capacitance"] * factors["voltage"] ** 2
    factors["slope"] = factors["time"] / factors["capacitance"]
    return factors, assumed


def _size(name: str, text: str, suffix: str) -> Decimal:
    """A unit such as "10ps" in SI."""
    match = UNIT.fullmatch(text.strip())
    if match is None or match[3].lower() != suffix:
        raise ValueError(f'{name} is "{text}", which is no unit that is known')
    amount = Decimal(match[1] or "1")
    if not (amount.is_finite() and amount > 0):
        raise ValueError(f'{name} is "{text}", but must be above 0')
    return amount.scaleb(PREFIX[match[2].lower()])


def _rescale(
    group: Group,
    factors: dict[str, Decimal],
    templates: dict[tuple[str, str], list[str]],
    parent: str,
) -> None:
    variables: list[str] = []
    if group.kind in TEMPLATES.values():
        variables = templates[group.kind, group.name]
    elif parent in TEMPLATES:
        variables = templates.get((TEMPLATES[parent], group.name), [])
    for item in group.items:
        if isinstance(item, Group):
            _rescale(item, factors, templates, group.kind)
            continue
        quantity = QUANTITY.get(item.name, "")
        if item.name == "value" and group.kind != "leakage_power":
            quantity = ""
        if item.name == "values":
            quantity = {"timing": "time", "internal_power": "energy"}.get(parent, "")
        if item.name.startswith("index_") and variables:
            quantity = axis_quantity(variables[int(item.name[6:]) - 1])
        if quantity and factors[quantity] != 1:
            item.values = [_times(value, factors[quantity]) for value in item.values]
        if item.name == "voltage_map" and factors["voltage"] != 1:
            item.values[1:] = [_times(value, factors["voltage"]) for value in item.values[1:]]


def _times(text: str, factor: Decimal) -> str:
    """``text`` with every number in it multiplied."""

    def scaled(match: re.Match[str]) -> str:
        word = match[0]
        return _plain(Decimal(word) * factor) if NUMBER.fullmatch(word) else word

    return re.sub(r"[^\s,]+", scaled, text)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"
