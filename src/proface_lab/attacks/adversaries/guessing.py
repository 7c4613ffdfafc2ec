"""8. Passphrase guessing: the cost of one guess, and of 2^40 guesses, at the parameters stored in files.

The attacker has a file and tries passphrases until one opens it.  The control is a passphrase hashed once with plain
SHA-256: the difference is what the key derivation adds.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np

from proface_s.api import Session
from proface_s.container.carriers.carrier import from_chunks, read_chunks
from proface_s.container.header.stanzas import BareStanza, PassphraseStanza
from proface_s.container.header.unlock import try_passphrases
from proface_s.keys.derive import KdfParams, KekDeriver
from proface_s.keys.passphrase import passphrase_bits
from proface_s.types import Box

from ...evaluation.method import Method
from ...evaluation.peers import ModelMethod, PaperPeer
from ...evaluation.share_method import ShareMethod
from ..base import AttackOutcome, NotApplicable, Scene, Table
from .share_access import opens_entry

SECONDS: Final = 2.0  # for which guesses are counted
FEWEST: Final = 3  # minimum number of guesses, however long they take
PASSPHRASE: Final = "correct horse battery staple"
BITS: Final = 40
PRICE: Final = 0.02  # US dollars for an hour of one core: an assumption, printed with the result
AFFORDABLE: Final = 100_000.0  # US dollars for 2^40 guesses; below this, a passphrase of 40 bits is no protection
YEAR: Final = 365.25 * 86400
STRENGTHS: Final = {
    "one of a list of 10^9 leaked passwords": math.log2(1e9),
    "8 random small letters": 8 * math.log2(26),
    "8 random letters and digits": 8 * math.log2(62),
    **{f"{words} random words": passphrase_bits(words) for words in (4, 5, 6)},
}
LOOKS: Final = (
    "Nothing stored tells a right key: a guess is confirmed only by looking at the picture that it gives, "
    "which a program can do as well. "
)


@dataclass(frozen=True, slots=True)
class Guesser:
    """One guess at a stored picture.

    Attributes:
        opens: whether a passphrase is the right one.
        how: what one guess computes, and what it leaves out.
        memory: KiB that one guess needs; 0 if negligible.
        looks: whether the picture itself confirms a guess.
    """

    opens: Callable[[str], bool]
    how: str
    memory: int = 0
    looks: bool = False


@runtime_checkable
class Guessable(Protocol):
    """A third party's method that defines how its passphrases are tried."""

    def guesser(self, passphrase: str) -> Guesser:
        """Return the guesser for a picture that was protected with this passphrase."""
        ...


class Guessing:
    """Count guesses per second of one core."""

    name, number, title, needs, of_method = "guessing", 8, "Passphrase guessing", (), True

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        guesser = _guesser(method, scene)
        known = guesser.opens(PASSPHRASE) and not guesser.opens("not " + PASSPHRASE)
        rate = count_guesses(guesser.opens)
        plain = count_guesses(lambda text: hashlib.sha256(text.encode()).digest() == b"")
        return _outcome(rate, plain, guesser, known)


def count_guesses(opens: Callable[[str], bool]) -> float:
    """Return guesses per second of processor time, which other programs and threads do not affect."""
    opens("warm up")
    started, done = time.process_time(), 0
    while done < FEWEST or time.process_time() - started < SECONDS:
        opens(f"guess {done}")
        done += 1
    return done / max(time.process_time() - started, 1e-9)


def _guesser(method: Method, scene: Scene) -> Guesser:
    """Return how a passphrase is tried.

    Raises:
        NotApplicable: if the method does not use passphrases.
    """
    if isinstance(method, Guessable):
        return method.guesser(PASSPHRASE)
    if isinstance(method, ModelMethod):
        return _of_file(method, scene)
    if isinstance(method, ShareMethod):
        params = KdfParams()
        return Guesser(
            opens_entry(PASSPHRASE, params), _argon2id(params) + ", and one tag of 8 bytes", params.memory_kib
        )
    if isinstance(method, PaperPeer):
        from ...training.paper.network import ROUNDS, derive_paper_key_map

        face = scene.covered()[0]
        height, width = face.cover.shape[:2]
        right = derive_paper_key_map(PASSPHRASE, 8, 32)
        how = (
            f"PBKDF2 with {ROUNDS} rounds and a constant salt, 32 bytes of the key map; one table of guesses serves "
            f"for every picture of {width}x{height} pixels (the network, which confirms a guess, is not counted)"
        )
        return Guesser(lambda text: np.array_equal(derive_paper_key_map(text, 8, 32), right), how, looks=True)
    raise NotApplicable("it takes keys, not passphrases")


def _of_file(method: ModelMethod, scene: Scene) -> Guesser:
    """Return the guesser for a file as the program writes it, at the cost stored in its header."""
    face, session = scene.targets(1)[0], Session(model=method.model)
    boxes = [Box(0, 0, face.shape[1], face.shape[0])]
    cover = method.wrong_key == "cover"
    done = session.protect(face, PASSPHRASE, boxes=boxes, faces="none", wrong_key="cover" if cover else "noise")
    header, _ = from_chunks(read_chunks(done.data))
    group = header.groups[0]
    stanza = group.stanzas[0]
    assert isinstance(stanza, (PassphraseStanza, BareStanza))
    params = stanza.params
    how = _argon2id(params)
    if not cover:
        return Guesser(lambda text: try_passphrases(group, 0, [text], KekDeriver()) is not None, how, params.memory_kib)

    def looks_right(text: str) -> bool:
        return not np.array_equal(session.recover(done.data, text).recovered, done.protected)

    return Guesser(looks_right, how + ", and one decoding", params.memory_kib, looks=True)


def _argon2id(params: KdfParams) -> str:
    return f"Argon2id of {params.memory_kib // 1024} MiB, {params.time_cost} passes, {params.lanes} lanes"


def _outcome(rate: float, plain: float, guesser: Guesser, known: bool) -> AttackOutcome:
    years, cost = _cost(2**BITS, rate)
    broken = cost < AFFORDABLE
    rows = [
        (name, f"{each:,.1f}", memory, f"{_cost(2**BITS, each)[0]:,.3g}", f"{_cost(2**BITS, each)[1]:,.3g}")
        for name, each, memory in (
            (guesser.how, rate, f"{guesser.memory / 1024:g} MiB" if guesser.memory else "none to speak of"),
            ("SHA-256 (control)", plain, "none to speak of"),
        )
    ]
    columns = (
        "derivation",
        "guesses per second and core",
        "memory per guess",
        f"core-years for 2^{BITS}",
        f"US dollars for 2^{BITS}",
    )
    strengths = [
        (name, f"{bits:.1f}", *(f"{_cost(2**bits / 2, each)[0]:,.2g}" for each in (rate, plain)))
        for name, bits in STRENGTHS.items()
    ]
    details = {
        "per_second": rate,
        "sha256_per_second": plain,
        "core_years": years,
        "dollars": cost,
        "bits": BITS,
        "dollars_per_core_hour": PRICE,
        "memory_kib": guesser.memory,
        "derivation": guesser.how,
        "recognised": known,
    }
    return AttackOutcome(
        "log2 of guesses per second and core",
        math.log2(rate),
        math.log2(plain),
        broken,
        _finding(rate, plain, guesser, known),
        (
            Table("What guessing costs", columns, rows),
            Table(
                "Core-years until a passphrase is found, on average",
                ("passphrase", "bits", "this derivation", "SHA-256"),
                strengths,
            ),
        ),
        details=details,
    )


def _finding(rate: float, plain: float, guesser: Guesser, known: bool) -> str:
    """Describe the cost of guessing in words."""
    years, cost = _cost(2**BITS, rate)
    text = (
        f"{guesser.how}: {rate:,.1f} guesses per second and core; 2^{BITS} guesses take {years:,.3g} "
        f"core-years, about {cost:,.3g} US dollars at {PRICE} per core-hour; with plain SHA-256, "
        f"{_cost(2**BITS, plain)[0]:,.3g} core-years. "
    )
    text += LOOKS if guesser.looks else ""
    text += "" if known else "Warning: right and wrong passphrases could not be told apart, so these are no guesses. "
    text += (
        "Guessing is cheap: a slow, memory-hard derivation with a random salt is needed. "
        if cost < AFFORDABLE
        else "A passphrase from a list is still found: use six random words. "
    )
    return text + (
        "Assumed: cores like this one, this program's own functions, no special hardware. Graphics cards try SHA-256 "
        "thousands of times faster, but not Argon2id, because each guess fills its own memory."
    )


def _cost(guesses: float, rate: float) -> tuple[float, float]:
    """Return core-years and US dollars."""
    seconds = guesses / rate
    return seconds / YEAR, seconds / 3600 * PRICE


ATTACK = Guessing()
