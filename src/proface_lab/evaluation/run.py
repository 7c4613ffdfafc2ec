"""One evaluation: its parts are measured and stored one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, Protocol

from proface_s.covers import get_style, parse_style, ready_style_names
from proface_s.errors import UsageError
from proface_s.flow.cards import DEFAULT_MODEL
from proface_s.flow.secure.model import SecureFlow

from .faces import OTHER_FACE, FaceSample, Kind, Omission, interleaved_pictures, make_cover, read_faces
from .measures import capacity, cost, diversity, exact, quality, verification_set
from .measures.perceptual import available_perceptual
from .measures.recognisers import Locator, load_recognisers
from .measures.verification import read_pairs
from .method import FloatMethod, Method, check_room, load_method
from .report import tables
from .report.illustrations import draw_plots, draw_sheets
from .report.report import EvaluationReport

CAPACITY_AT: Final = (42.0, 44.0, 46.0, 48.0, 50.0, 52.0, 54.0)
CAPACITY_FACES, DIVERSITY_FACES, EXACT_FACES = 6, 12, 12
SHOWN: Final = 6  # faces in the contact sheets
LINKED_AT: Final = 1e-2  # false accept rate of the threshold at which two protections count as linked


class EvaluationProgress(Protocol):
    """Receives progress reports."""

    def start(self, part: str, steps: int) -> None:
        """Report that a part begins."""
        ...

    def advance(self) -> None:
        """Report that one of its steps is done."""
        ...

    def done(self) -> None:
        """Report that the part has been stored."""
        ...


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """Options of an evaluation.

    Attributes:
        data: folders of faces or photos.
        out: folder of the report.
        styles: covers, ``name[:strength]`` or ``other-face``.
        methods: see `load_method`.
        protocols: ``stored``, ``float``; only a `FloatMethod` is measured by the second.
        size: side of the faces, pixels.
        limit: number of faces.
        kind: see `read_faces`.
        pairs: verification set, or None.
        pairs_limit: number of pairs.
        pairs_styles: styles of the verification; the first two of ``styles`` if empty.
        recognisers: see `load_recognisers`.
        photos: folder of whole photos for bit-equality and time, or None.
        pictures: folder whose faces appear in the contact sheets; ``data`` if None.
        seed: for keys, random draws and intervals.
    """

    data: tuple[Path, ...]
    out: Path
    styles: tuple[str, ...]
    methods: tuple[str, ...] = (DEFAULT_MODEL, "lsb-avif")
    protocols: tuple[quality.MeasurementProtocol, ...] = ("stored",)
    size: int = 256
    limit: int | None = 24
    kind: Kind = "auto"
    pairs: Path | None = None
    pairs_limit: int | None = 300
    pairs_styles: tuple[str, ...] = ()
    recognisers: tuple[str, ...] = ("dlib",)
    photos: Path | None = None
    pictures: Path | None = None
    seed: int = 20261123

    def settings(self, samples: Sequence[FaceSample]) -> dict[str, Any]:
        """Return everything that results depend on, for `EvaluationReport`; faces are identified by their names."""
        found = {name: _plain(value) for name, value in asdict(self).items() if name != "out"}
        names = "\n".join(sample.name for sample in samples)
        perceptual = available_perceptual()
        return {
            **found,
            "faces": len(samples),
            "faces_sha256": hashlib.sha256(names.encode()).hexdigest()[:16],
            "perceptual": perceptual.name if perceptual else None,
        }


def resolve_styles(text: str) -> tuple[str, ...]:
    """Parse a choice of styles.

    Args:
        text: ``all``: every style at its default strength, and ``other-face``; ``sweep``: the same at half, once and
            twice the default strength; anything else is a comma-separated list of styles.

    Raises:
        UsageError: if a style or strength is unknown, or no style is given.
    """
    names = ready_style_names()
    if text.strip() == "all":
        return (*names, OTHER_FACE)
    if text.strip() == "sweep":
        return (*dict.fromkeys(style for name in names for style in _strengths(name)), OTHER_FACE)
    chosen = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not chosen:
        raise UsageError("no style was given", code="no-style", known=", ".join((*names, OTHER_FACE)))
    for style in chosen:
        if style != OTHER_FACE:
            parse_style(style)
    return chosen


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationPart:
    """One part of the evaluation.

    Attributes:
        name: kind/method/style...
        steps: number of progress reports.
        measure: measures the part and returns JSON types.
    """

    name: str
    steps: int
    measure: Callable[[], dict[str, Any]]


class Evaluation:
    """One run of the evaluation; expensive shared data is loaded on first use.

    Args:
        options: the options.
        progress: receives progress reports.

    Raises:
        UsageError: if an option is invalid.
        NoFaceError: if no face is left to measure on.
    """

    def __init__(self, options: EvaluationOptions, progress: EvaluationProgress) -> None:
        self.options, self.progress = options, progress
        self.methods = [(spec, load_method(spec)) for spec in options.methods]
        if len({method.name for _, method in self.methods}) < len(self.methods):
            raise UsageError("two methods have the same name", code="method-names")
        check_room([method for _, method in self.methods], options.size)
        omitted: list[Omission] = []
        self.samples = read_faces(options.data, options.size, options.limit, kind=options.kind, omitted=omitted)
        if OTHER_FACE in options.styles:
            make_cover(self.samples[0], OTHER_FACE, self.samples)  # refuse it before anything is measured
        if options.pairs is not None:
            self.pairs = read_pairs(options.pairs, limit=options.pairs_limit, seed=options.seed, omitted=omitted)
            self.recognisers = load_recognisers(list(options.recognisers), self.locator)
        self.photos = [] if options.photos is None else [path for path, _ in interleaved_pictures([options.photos])]
        self.shown = self.samples if options.pictures is None else read_faces([options.pictures], options.size, SHOWN)
        self.report = EvaluationReport(options.out, "evaluate", options.settings(self.samples))
        self.report.add_omissions(omitted)

    def run(self) -> EvaluationReport:
        """Measure the missing parts, draw the figures, and finish the report."""
        for part in self.parts():
            if not self.report.has_part(part.name):
                self.progress.start(part.name, part.steps)
                self.report.store_part(part.name, part.measure())
                self.progress.done()
        for result in self.report.results().values():
            self.report.add_omissions([Omission(**each) for each in result.get("omitted", ())])
        options, methods = self.options, [method for _, method in self.methods]
        draw_plots(self.report, options.out)
        draw_sheets(options.out, self.shown[:SHOWN], options.styles, methods, options.seed)
        self.report.finish(tables.report_page(self.report))
        return self.report

    def parts(self) -> Iterator[EvaluationPart]:
        """Yield all parts, in the order in which they are measured."""
        options, faces = self.options, len(self.samples)
        for protocol in options.protocols:
            for _, method in self.methods:
                if protocol == "stored" or isinstance(method, FloatMethod):
                    for style in options.styles:
                        name = f"quality/{method.name}/{style}/{protocol}"
                        yield EvaluationPart(name, faces, partial(self._quality, method, style, protocol))
        yield EvaluationPart("exact/faces", min(EXACT_FACES, faces), self._exact)
        if self.photos:
            yield EvaluationPart("exact/photos", len(self.photos), self._photos)
        for spec, method in self.methods:
            yield EvaluationPart(f"cost/{method.name}", 1, partial(cost.measure_cost, spec, options.size))
        yield EvaluationPart("capacity", 1, self._capacity)
        if options.pairs is not None:
            yield from self._privacy(options.pairs_styles or options.styles[:2])

    @cached_property
    def locator(self) -> Locator:
        """dlib's locator, shared by all parts."""
        return Locator()

    @cached_property
    def verification(self) -> verification_set.VerificationSet:
        """The verification set, read and embedded when the first part needs it."""
        assert self.options.pairs is not None
        omitted: list[Omission] = []
        found = verification_set.load_verification_set(
            self.pairs,
            self.options.pairs.parent,
            self.recognisers,
            self.options.seed,
            omitted=omitted,
            locator=self.locator,
        )
        self.report.add_omissions(omitted)
        return found

    def _privacy(self, styles: Sequence[str]) -> Iterator[EvaluationPart]:
        probes = len({pair.b for pair in self.pairs})
        yield EvaluationPart("identity/originals", 1, self._originals)
        for style in styles:
            yield EvaluationPart(f"identity/cover/{style}", probes, partial(self._covers, style))
            for _, method in self.methods:
                yield EvaluationPart(f"identity/{method.name}/{style}", probes, partial(self._identity, method, style))
        if len(styles) > 1:
            for _, method in self.methods:
                steps = min(DIVERSITY_FACES, len(self.samples))
                yield EvaluationPart(f"diversity/{method.name}", steps, partial(self._diversity, method, styles))

    def _quality(self, method: Method, style: str, protocol: quality.MeasurementProtocol) -> dict[str, Any]:
        perceptual = available_perceptual()
        return quality.measure_quality(
            method,
            self.samples,
            style,
            protocol,
            self.options.seed,
            perceptual() if perceptual else None,
            self.progress.advance,
        )

    def _exact(self) -> dict[str, Any]:
        style = next((style for style in self.options.styles if style != OTHER_FACE), "blur")
        return exact.measure_samples(self.samples[:EXACT_FACES], style, self.progress.advance)

    def _photos(self) -> dict[str, Any]:
        omitted: list[Omission] = []
        found = exact.measure_photos(self.photos, "blur", omitted, self.progress.advance)
        return {**found, "omitted": [asdict(each) for each in omitted]}

    def _capacity(self) -> dict[str, Any]:
        chosen = self.samples[:CAPACITY_FACES]
        covers = [make_cover(sample, "blur", chosen) for sample in chosen]
        return capacity.capacity_curves(SecureFlow(), [sample.image for sample in chosen], covers, CAPACITY_AT)

    def _originals(self) -> dict[str, Any]:
        found = verification_set.measure_originals(self.verification)
        return {**found, "omitted": [asdict(each) for each in self.report.omissions]}

    def _covers(self, style: str) -> dict[str, Any]:
        return verification_set.measure_covers(self.verification, style, self.progress.advance)

    def _identity(self, method: Method, style: str) -> dict[str, Any]:
        return verification_set.measure_method(self.verification, method, style, self.progress.advance)

    def _diversity(self, method: Method, styles: Sequence[str]) -> dict[str, Any]:
        thresholds = {
            name: float(found[f"far@{LINKED_AT:g}"])
            for name, found in self.report.part("identity/originals")["thresholds"].items()
        }
        return diversity.measure_diversity(
            method,
            self.samples[:DIVERSITY_FACES],
            styles,
            self.recognisers,
            thresholds,
            self.options.seed,
            self.progress.advance,
            self.locator,
        )


def _strengths(name: str) -> list[str]:
    """Return half, once and twice the default strength, clamped to the range; one entry if they hide equally well."""
    style = get_style(name)
    if style.unit.more_is_stronger is None:
        return [name]
    low, high = style.strength_range
    found = [min(max(style.default_strength * factor, low), high) for factor in (0.5, 1.0, 2.0)]
    return [name] if low == high else [f"{name}:{strength:g}" for strength in dict.fromkeys(found)]


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.as_posix()
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
