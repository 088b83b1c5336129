"""Everything that is recorded, by class.

A scenario registers itself with `@normal_work(runs)` or `@simulated_attack(runs)`; its name is its function's, and
each of its runs is a group of the corpus. Modules are found by looking, so a new file is enough.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator

from capture.recording import Recording

Scenario = Callable[[Recording], None]
_NORMAL: dict[str, tuple[int, Scenario]] = {}
_ATTACKS: dict[str, tuple[int, Scenario]] = {}


def _register(table: dict[str, tuple[int, Scenario]], runs: int):
    def add(scenario: Scenario) -> Scenario:
        table[scenario.__name__] = (runs, scenario)
        return scenario
    return add


def normal_work(runs: int):
    """Registers a scenario of class `normal`."""
    return _register(_NORMAL, runs)


def simulated_attack(runs: int):
    """Registers a scenario whose name is its class."""
    return _register(_ATTACKS, runs)


def every_group() -> Iterator[tuple[str, str, int, Scenario]]:
    """Class, scenario name, run number and function of every group, in order."""
    for package in ("normal", "attacks"):
        home = importlib.import_module(f"{__name__}.{package}")
        for module in sorted(m.name for m in pkgutil.iter_modules(home.__path__)):
            importlib.import_module(f"{home.__name__}.{module}")
    for table, label in ((_NORMAL, "normal"), (_ATTACKS, None)):
        for name in sorted(table):
            runs, scenario = table[name]
            for number in range(1, runs + 1):
                yield label or name, name, number, scenario
