"""A suite: adversaries attack methods one by one; each result is stored, so that a run can be resumed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from proface_s.covers import parse_style
from proface_s.errors import UsageError, missing_package
from proface_s.flow.cards import DEFAULT_MODEL

from ..evaluation.faces import OTHER_FACE, FaceSample, Kind, NoFaceSamplesError, Omission, read_faces
from ..evaluation.measures.recognisers import load_recognisers
from ..evaluation.method import Method, NeedsRoom, load_method
from ..evaluation.report.plots import plot_curves
from ..evaluation.report.report import EvaluationReport
from ..evaluation.report.sheets import contact_sheet
from .base import BUDGETS, Attack, AttackBudget, AttackOutcome, NotApplicable, Scene
from .matching import Matcher
from .pages import attacks_page
from .registry import chosen_attacks, find_attack

SHEET_SIDE: Final = 112  # side of a face in a sheet, in pixels
ANY: Final = "any method"  # stands for the method in results that do not depend on one


@dataclass(frozen=True, slots=True)
class AttackOptions:
    """Options of a suite.

    Attributes:
        data: folders of the faces under attack.
        out: folder of the report.
        suite: names of adversaries, or ``all``.
        methods: see `load_method`; followed by peers for comparison.
        own: folders of the attacker's own faces; if empty, half of the people in ``data``.
        budget: ``quick`` or ``full``.
        device: ``auto``, ``cpu`` or ``cuda``.
        style: cover of the faces under attack.
        recognisers: see `load_recognisers`; may be empty.
        kind: see `read_faces`.
        seed: of everything except keys, which are random.
        steps: of every network's training, in place of the budget's; None for those of the budget.
    """

    data: tuple[Path, ...]
    out: Path
    suite: tuple[str, ...] = ("all",)
    methods: tuple[str, ...] = (DEFAULT_MODEL,)
    own: tuple[Path, ...] = ()
    budget: str = "quick"
    device: str = "auto"
    style: str = "blur"
    recognisers: tuple[str, ...] = ()
    kind: Kind = "auto"
    seed: int = 20261123
    steps: int | None = None

    @property
    def chosen_budget(self) -> AttackBudget:
        """The budget of that name, with as many training steps as were asked for."""
        budget = BUDGETS[self.budget]
        return budget if self.steps is None else budget.trained_for(self.steps)


def run_suite(
    options: AttackOptions,
    start: Callable[[str], None] = lambda part: None,
    done: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda line: None,
) -> EvaluationReport:
    """Run what has not been run yet, and write the report.

    Args:
        options: of the suite.
        start: called when a part begins.
        done: called when its result is stored.
        say: receives progress messages within a part.

    Raises:
        UsageError: see `chosen_attacks`, `load_method`, `read_faces` and `EvaluationReport`; or if an adversary
            requested by name needs a package that is not installed.
    """
    (attacks, lacking), device = usable(options), choose_device(options.device)
    methods = [load_method(spec) for spec in dict.fromkeys(options.methods)]
    if options.style != OTHER_FACE:
        parse_style(options.style)
    recognisers = load_recognisers(list(options.recognisers))
    budget = options.chosen_budget
    omitted: list[Omission] = []
    victims, own = read_all(options, max(budget.side, budget.learning_side), omitted)
    report = EvaluationReport(options.out, "attack", _settings(options, methods, victims, own))
    report.add_omissions(omitted)
    report.add_omissions(lacking)
    matcher = Matcher(recognisers, victims) if recognisers else None
    scene = Scene(victims, own, budget, options.style, options.seed, options.out, device, matcher, say)
    for part, method, attack in _parts(methods, attacks):
        if report.has_part(part):
            continue
        start(part)
        report.store_part(part, run_one(attack, method, scene, part))
        done()
    report.finish(attacks_page(report.results(), report.settings, report.omissions))
    return report


def run_one(attack: Attack, method: Method, scene: Scene, part: str) -> dict[str, Any]:
    """Run one adversary against one method; return the stored form and write pictures and plots beside the report."""
    started = time.perf_counter()
    head = {
        "attack": attack.name,
        "number": attack.number,
        "title": attack.title,
        "method": method.name if attack.of_method else ANY,
    }
    try:
        outcome = attack.run(method, raised(scene, method))
    except NotApplicable as reason:
        return {**head, "skipped": str(reason)}
    pictures = _draw(outcome, scene.folder, part.replace("/", "-").replace(" ", "-"))
    body = {
        "measure": outcome.measure,
        "attacked": outcome.attack,
        "control": outcome.control,
        "leak": outcome.leak,
        "succeeded": outcome.succeeded,
        "finding": outcome.finding,
        "tables": [asdict(table) for table in outcome.tables],
        "plots": {name: asdict(plot) for name, plot in outcome.plots.items()},
        "pictures": pictures,
        "details": outcome.details,
        "seconds": round(time.perf_counter() - started, 1),
    }
    found: dict[str, Any] = plain({**head, **body})
    return found


def raised(scene: Scene, method: Method) -> Scene:
    """Return the scene with faces as large as a method needs at least, if it says so; smaller faces are enlarged."""
    least = method.least_side if isinstance(method, NeedsRoom) else 0
    return replace(scene, budget=scene.budget.raised_to(least))


def usable(options: AttackOptions) -> tuple[list[Attack], list[Omission]]:
    """Return the adversaries that can run here, and those of ``all`` that lack a package.

    Raises:
        UsageError: if one requested by name cannot run or does not exist.
    """
    found, lacking = [], []
    for name in chosen_attacks(options.suite):
        try:
            attack = find_attack(name)
        except ModuleNotFoundError as missing:
            package = missing_package(missing)
            if name in options.suite:
                raise UsageError(
                    f"the attack {name} needs {package}, which is not installed", code="missing-extra", extra="train"
                ) from None
            lacking.append(Omission(name, f"{package} is not installed"))
            continue
        found.append(attack)
    return found, lacking


def choose_device(wanted: str) -> str:
    """Return ``cpu`` or ``cuda``.

    Raises:
        UsageError: if ``cuda`` is requested but not available.
    """
    if wanted == "cpu" or find_spec("torch") is None:
        if wanted == "cuda":
            raise UsageError("there is no CUDA device: torch is not installed", code="missing-extra", extra="train")
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise UsageError("there is no CUDA device", code="no-device")
    return "cpu"


def read_all(options: AttackOptions, side: int, omitted: list[Omission]) -> tuple[list[FaceSample], list[FaceSample]]:
    """Read the faces under attack, and the attacker's own faces, of other people.

    Raises:
        NoFaceSamplesError: if one of the two is empty.
    """
    budget = options.chosen_budget
    most = max(budget.victims, budget.judged)
    if options.own:
        victims = read_faces(options.data, side, most, kind=options.kind, omitted=omitted)
        people = {face.identity for face in victims}
        own = read_faces(options.own, side, budget.own, kind=options.kind, omitted=omitted)
        return victims, [face for face in own if face.identity not in people]
    faces = read_faces(options.data, side, most + budget.own, kind=options.kind, omitted=omitted)
    sides: tuple[list[FaceSample], list[FaceSample]] = [], []
    for face in faces:
        sides[hashlib.sha256(face.identity.encode()).digest()[0] % 2].append(face)
    if not all(sides):
        raise NoFaceSamplesError(
            f"{len(faces)} faces of {len({f.identity for f in faces})} people are too few to train on some and attack "
            "others",
            code="own-pictures",
        )
    return sides[0][:most], sides[1]


def plain(value: Any) -> Any:
    """Convert to JSON types; numbers that JSON cannot hold become None."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    if isinstance(value, np.bool_ | bool):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value


def _parts(methods: Sequence[Method], attacks: Sequence[Attack]) -> Iterator[tuple[str, Method, Attack]]:
    for method in methods:
        for attack in attacks:
            if attack.of_method:
                yield f"{method.name}/{attack.name}", method, attack
    for attack in attacks:
        if not attack.of_method:
            yield f"{ANY}/{attack.name}", methods[0], attack


def _settings(
    options: AttackOptions, methods: Sequence[Method], victims: Sequence[FaceSample], own: Sequence[FaceSample]
) -> dict[str, Any]:
    """Return what determines the parts: order and later additions of methods and adversaries do not matter."""
    names = hashlib.sha256("\n".join(face.name for face in [*victims, *own]).encode()).hexdigest()[:16]
    return {
        "data": [str(each) for each in options.data],
        "own": [str(each) for each in options.own],
        "budget": asdict(options.chosen_budget) | {"name": options.budget},
        "style": options.style,
        "recognisers": list(options.recognisers),
        "kind": options.kind,
        "seed": options.seed,
        "faces": len(victims),
        "own_faces": len(own),
        "read": names,
        "size": options.chosen_budget.side,
    }


def _draw(outcome: AttackOutcome, folder: Path, name: str) -> list[str]:
    """Write sheets and plots; return their file names."""
    found = []
    for mark, rows in outcome.sheets.items():
        found.append(f"{name}{'-' + mark if mark else ''}.png")
        contact_sheet(folder / found[-1], rows, SHEET_SIDE)
    for mark, plot in outcome.plots.items():
        found.append(f"{name}-{mark}.png")
        plot_curves(
            folder / found[-1], plot.curves, title=plot.title, x=plot.x, y=plot.y, log_x=plot.log_x, dashed=plot.dashed
        )
    return found
