"""Checks before locking: refuse a header that cannot be locked before any key is derived or any face hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...errors import DamagedFileError, UsageError
from ...keys.access import Lock
from ...keys.derive import MAX_TOTAL_COST_KIB, SALT_BYTES, KdfParams
from ...keys.passphrase import normalise_passphrase
from ...keys.wrap import WRAPPED_BYTES
from ...types import Box
from .header import DIGEST_BYTES, FaceEntry, Group, Header
from .key_ring import valid_cost
from .stanzas import RECIPIENT_BODY_BYTES, BareStanza, PassphraseStanza, RecipientStanza, Stanza
from .validation import MAX_FACES, MAX_GROUPS, MAX_STANZAS, check_header


def plan_header(
    model_id: bytes,
    size: tuple[int, int],
    boxes: Sequence[Box],
    groups: Sequence[int],
    locks: Sequence[Lock],
    *,
    cover: bool = False,
    params: KdfParams | None = None,
) -> Header:
    """Build the header that `lock_header` will make, with the right lengths but zeros for keys and digests.

    Args:
        model_id: 16 bytes.
        size: (width, height) of the picture.
        boxes: the protected regions.
        groups: for every face, the number of its group, 0 upwards.
        locks: for every group, its passphrases and recipients.
        cover: whether the header is for the ``cover`` mode.
        params: cost of Argon2id; the defaults of `KdfParams` if None.

    Raises:
        UsageError: if there are too many faces, groups, or ways to open one; if a box lies outside the picture or two
            overlap.
    """
    check_locks(locks, params)
    if len(boxes) > MAX_FACES:
        raise UsageError(f"{len(boxes)} faces are too many for one file: at most {MAX_FACES} are possible")
    stanzas = placeholder_stanzas(dict(enumerate(locks)), valid_cost(params), cover=cover)
    faces = tuple(
        FaceEntry(box, group, "planned", None, bytes(DIGEST_BYTES), bytes(WRAPPED_BYTES), not cover)
        for box, group in zip(boxes, groups, strict=True)
    )
    planned = tuple(Group(stanzas[number], bytes(DIGEST_BYTES)) for number in range(len(locks)))
    return valid_header(Header(*size, model_id, planned, faces, wrong_key="cover" if cover else "noise"))


def check_locks(locks: Iterable[Lock], params: KdfParams | None = None) -> None:
    """Refuse more ways to open a file than it can hold.

    Args:
        locks: of all faces; equal ones make one group.
        params: cost of Argon2id; the defaults of `KdfParams` if None.

    Raises:
        UsageError: if there are too many different locks or passphrases, or one has too many ways to open it.
    """
    distinct = dict.fromkeys(lock for lock in locks if not lock.empty)
    texts = dict.fromkeys(normalise_passphrase(text) for lock in distinct for text in lock.passphrases)
    most = MAX_TOTAL_COST_KIB // valid_cost(params).cost
    if len(texts) > most:
        raise UsageError(
            f"{len(texts)} different passphrases are too many for one file: a reader could not try them all; "
            f"at most {most} are possible",
            code="many-passphrases",
        )
    if len(distinct) > MAX_GROUPS:
        raise UsageError(
            f"{len(distinct)} different sets of keys are too many for one file: at most {MAX_GROUPS} are possible",
            code="many-key-sets",
        )
    for lock in distinct:
        ways = len(dict.fromkeys(lock.passphrases)) + len(dict.fromkeys(lock.recipients))
        if ways > MAX_STANZAS:
            raise UsageError(
                f"a face would have {ways} stanzas (passphrases and recipients): at most {MAX_STANZAS} are possible"
            )


def placeholder_stanzas(
    locks: Mapping[int, Lock], params: KdfParams, *, cover: bool = False
) -> dict[int, tuple[Stanza, ...]]:
    """Return stanzas of the kinds, lengths and costs that each group will have, but without keys; salts are numbers.

    Args:
        locks: group number -> its passphrases and recipients.
        params: cost of Argon2id.
        cover: whether they are for the ``cover`` mode.
    """
    salts: dict[str, bytes] = {}
    for lock in locks.values():
        for text in map(normalise_passphrase, lock.passphrases):
            salts.setdefault(text, len(salts).to_bytes(SALT_BYTES, "big"))
    key, ephemeral = bytes(WRAPPED_BYTES), bytes(RECIPIENT_BODY_BYTES - WRAPPED_BYTES)
    stanzas: dict[int, tuple[Stanza, ...]] = {}
    for number, lock in locks.items():
        texts = dict.fromkeys(map(normalise_passphrase, lock.passphrases))
        stanzas[number] = (
            *(BareStanza(salts[text], params) for text in texts if cover),
            *(PassphraseStanza(salts[text], params, key) for text in texts if not cover),
            *(RecipientStanza(ephemeral, key) for _ in dict.fromkeys(lock.recipients)),
        )
    return stanzas


def valid_header(header: Header) -> Header:
    """Return the header unchanged.

    Raises:
        UsageError: if it breaks a rule of the format, which is the caller's mistake here, not a damaged file.
    """
    try:
        check_header(header)
    except DamagedFileError as error:
        raise UsageError(error.message) from None
    return header
