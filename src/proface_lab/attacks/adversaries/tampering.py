"""7. Tampering: an altered file ends in an error, or in a result that is not called exact.

The attacker has the files and the format, but no key, and recomputes whatever needs none: CRCs, checksums, digests.
Then the owner recovers the file with the right passphrase.  The attack succeeds if a face that differs from the
original is called exact, or if the program fails with anything but its own errors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, Protocol, runtime_checkable
from unittest import mock

import numpy as np

from proface_s.api import Session
from proface_s.container.carriers.carrier import from_chunks, read_chunks
from proface_s.container.carriers.png import HEADER_CHUNK, SEAL_CHUNK
from proface_s.errors import ProFaceError
from proface_s.image.regions import cut
from proface_s.keys import derive
from proface_s.types import Box, UInt8Image

from ...evaluation.faces import OTHER_FACE
from ...evaluation.method import Method
from ...evaluation.peers import ModelMethod
from ..alterations import StoredFaces, altered_files, costly_files
from ..base import AttackOutcome, NotApplicable, Scene, Table

PASSPHRASE: Final = "correct horse battery staple"
MARGIN: Final = 16  # pixels of surroundings
REFUSED, UNVOUCHED, SAME, AROUND = "refused", "not all called exact", "exact, unharmed", "exact faces, rest changed"
FORGED, SPENT, FAILED = "called exact, but false", "cost spent", "other error"
HARMLESS: Final = (REFUSED, UNVOUCHED, SAME, AROUND)
HARMFUL: Final = (FORGED, SPENT, FAILED)


@runtime_checkable
class StoresFiles(Protocol):
    """A third party's method with its own reader of this file format."""

    def file_session(self) -> Session:
        """Return the session that writes and reads its files."""
        ...


class CostExceededError(Exception):
    """Argon2id was started at a cost that must be refused beforehand."""


class Tampering:
    """Alter files and recover them with the right passphrase."""

    name, number, title, needs, of_method = "tampering", 7, "Tampering", (), True

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        session = _session(method)
        faces = (scene.targets(4) * 4)[:4]
        one, two = (_store(session, pair, scene.style) for pair in (faces[:2], faces[2:]))
        untouched = Counter(judge(session, stored.file(), stored) for stored in (one, two))
        counts: dict[str, Counter[str]] = {}
        rng = np.random.default_rng([scene.seed, 7])
        for kind, data, stored in altered_files(one, two, scene.budget.altered, rng):
            if kind not in counts:
                scene.say(f"tampering: {kind}")
            counts.setdefault(kind, Counter())[judge(session, data, stored)] += 1
        with mock.patch.object(derive, "Argon2id", side_effect=CostExceededError):
            counts["oversized costs"] = Counter(judge(session, data, one) for data in costly_files(one))
        return _outcome(counts, untouched)


def judge(session: Session, data: bytes, stored: StoredFaces) -> str:
    """Return the outcome for a file that pretends to be another."""
    try:
        found = session.recover(data, PASSPHRASE)
    except ProFaceError:
        return REFUSED
    except CostExceededError:
        return SPENT
    except Exception:  # any other exception is the finding
        return FAILED
    exact = [face.box for face in found.faces if face.outcome == "exact"]
    for box in exact:
        if box not in stored.boxes or not np.array_equal(cut(found.recovered, box), cut(stored.original, box)):
            return FORGED
    if len(exact) < len(stored.boxes):
        return UNVOUCHED
    return SAME if np.array_equal(found.recovered, stored.original) else AROUND


def _session(method: Method) -> Session:
    if isinstance(method, StoresFiles):
        return method.file_session()
    if not isinstance(method, ModelMethod):
        raise NotApplicable("it stores no file format: there is nothing that could vouch for a picture")
    if method.wrong_key == "cover":
        raise NotApplicable("in cover mode nothing is sealed: no picture is called exact, whether altered or not")
    return Session(model=method.model)


def _store(session: Session, faces: list[UInt8Image], style: str) -> StoredFaces:
    """Return a protected photo of two faces."""
    padded = [np.pad(face, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "reflect") for face in faces]
    original = np.ascontiguousarray(np.hstack(padded))
    side = faces[0].shape[0]
    boxes = [Box(MARGIN + i * padded[0].shape[1], MARGIN, side, side) for i in range(2)]
    done = session.protect(
        original, PASSPHRASE, boxes=boxes, faces="none", style="blur" if style == OTHER_FACE else style
    )
    chunks = read_chunks(done.data)
    header, _ = from_chunks(chunks)
    return StoredFaces(original, done.protected, chunks[HEADER_CHUNK][0], header, tuple(chunks[SEAL_CHUNK]))


def _outcome(counts: Mapping[str, Counter[str]], untouched: Counter[str]) -> AttackOutcome:
    total = sum(counts.values(), Counter[str]())
    harm = sum(total[name] for name in HARMFUL)
    files = sum(total.values())
    columns = (*HARMLESS, *HARMFUL)
    rows = [(kind, sum(row.values()), *(row[name] for name in columns)) for kind, row in counts.items()]
    rows.append(("all", files, *(total[name] for name in columns)))
    rows.append(("untouched (control)", sum(untouched.values()), *(untouched[name] for name in columns)))
    control = sum(untouched[name] for name in HARMFUL)
    return AttackOutcome(
        "altered files in per cent that end in a false 'exact', in an oversized cost, or in an error of another kind",
        100 * harm / files,
        100 * control / sum(untouched.values()),
        harm > 0,
        _finding(counts, total, files),
        (Table("Altered files, recovered with the right passphrase", ("what was altered", "files", *columns), rows),),
        details={
            "counts": {kind: dict(row) for kind, row in counts.items()},
            "untouched": dict(untouched),
            "files": files,
        },
    )


def _finding(counts: Mapping[str, Counter[str]], total: Counter[str], files: int) -> str:
    bad = {name: [kind for kind, row in counts.items() if row[name]] for name in HARMFUL if total[name]}
    if bad:
        what = "; ".join(f"{name}: {total[name]} ({', '.join(kinds)})" for name, kinds in bad.items())
        return (
            f"Of {files} altered files {sum(total[name] for name in HARMFUL)} were not caught: {what}. "
            "Whatever is presented as exact must be authenticated with the key, and costs checked before they are "
            "spent."
        )
    return (
        f"None of {files} altered files was taken for what it is not: {total[REFUSED]} were refused, "
        f"{total[UNVOUCHED]} gave estimates that are not called exact, {total[SAME]} the unharmed original (what was "
        "altered did not matter), and oversized costs were refused before any was spent. 'Exact' is said of faces, "
        f"not of the rest: {total[AROUND]} files gave exact faces in pictures that were altered elsewhere, which "
        "nothing notices. Warning: a seal does not vouch for the surroundings of a face."
    )


ATTACK = Tampering()
