"""The environment of the programs that gaincell starts: nothing in it steers them unasked."""

import os
import re
import sys
import tempfile

STEERING = re.compile(
    r"(COCOTB|CFG|GPI|IVERILOG|OPT|PYGPI|PYTEST|SIM|TOPLEVEL|USER|VERILATOR|VM)_\w*"
    r"|(GNU)?MAKE\w*|MFLAGS|C(XX|PP)?FLAGS|LDFLAGS|LDLIBS|OPT|OBJCACHE|LINK|AR|PERL5OPT"
    r"|PYTHON\w*|LIBPYTHON_LOC|WAVES|GUI|DEPENDENCIES_OUTPUT|SUNPRO_DEPENDENCIES"
)
"""Variables that change what cocotb, the simulators, make, the compiler or Python do."""
KEPT = {"PYTHONHOME", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE"}
"""Variables of Python that only say where things are."""


def environment(**changes: str) -> dict[str, str]:
    """The variables of this process without those that steer tools, and with ``changes``.

    Python programs find the modules that this process finds. Temporary files lie where this process
    puts its own.
    """
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or not STEERING.fullmatch(name)
    }
    path = os.pathsep.join(os.path.abspath(place) for place in sys.path if place)
    return {
        "PATH": os.defpath,
        **passed,
        "PYTHONPATH": path,
        "TMPDIR": tempfile.gettempdir(),
        **changes,
    }
