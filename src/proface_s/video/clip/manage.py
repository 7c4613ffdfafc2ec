"""Protected clips without their originals: inspect and verify them, hand out keys, forget people, change locks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from fractions import Fraction
from pathlib import Path

from ...api.options import RecoverOptions, Sidecar
from ...container.header.header import FORMAT_VERSION, Header, forget_face, slot_digest
from ...container.header.lock import relock_header
from ...container.header.lock_plan import check_locks
from ...container.header.stanzas import PassphraseStanza, RecipientStanza
from ...container.header.unlock import unlock_groups
from ...covers import format_style, recorded_style
from ...errors import DamagedFileError, FileFormatError, ProFaceError, UsageError, WrongKeyError
from ...faces.numbering import index_of, indices_of, number_of
from ...keys.access import Credentials, Lock
from ...keys.derive import KdfLimits, KekDeriver
from ...keys.face_key_text import TAG_BYTES, PortableFaceKey, encode_face_key
from ...keys.passphrase import check_passphrase
from ...keys.secrets import FaceKey
from .read import open_clip
from .recover import open_track_of
from .results import ChangedClip, ClipInspection, ClipVerification, InspectedPerson
from .rewrite import rewrite_clip
from .track.reading import SealedTrack, holds_same, read_sealed_chunks, read_sealed_track, read_track_at
from .track.sealing import open_track
from .track.sidecar import clip_sidecar
from .track.tables import CHUNK_MARK, MARK_BYTES, ChunkPacket, decode_chunk, encode_chunk


def inspect_clip(path: str | os.PathLike[str]) -> ClipInspection:
    """Describe a protected clip as far as it shows without a key.

    Raises:
        NotProtectedError: if it has no sealed track; the code is ``stripped-track`` if it was removed.
        FileFormatError: if header or list are malformed, or of a later version.
        ImageError: if the file is no clip.
    """
    track = read_sealed_track(Path(path))
    header, entries = track.header, track.listed.entries
    stanzas = [stanza for group in header.groups for stanza in group.stanzas]
    people = tuple(
        InspectedPerson(
            number_of(index), face.box, format_style(recorded_style(face.style, face.strength)), face.group,
            tuple(_spans(track, index)), face.forgotten,
        )
        for index, face in enumerate(header.faces)
    )  # fmt: skip
    duration = track.seconds(max((entry.stop for entry in entries), default=0))
    kdf = tuple(
        f"argon2id m={each.params.memory_kib // 1024} MiB t={each.params.time_cost} p={each.params.lanes}"
        for each in stanzas
        if isinstance(each, PassphraseStanza)
    )
    recipients = sum(isinstance(each, RecipientStanza) for each in stanzas)
    size = header.width, header.height
    return ClipInspection(
        FORMAT_VERSION, size, people, track.listed.frames, duration, track.exact, kdf, len(header.groups), recipients,
        track.problems, track.sidecar,
    )  # fmt: skip


def verify_clip(
    path: str | os.PathLike[str], credentials: Credentials | None = None, *, limits: KdfLimits | None = None
) -> ClipVerification:
    """Check a protected clip without recovering it; nothing is written.

    Without a key, only damage is found.  With one, header and list are authenticated, and all tracks that it opens are
    decrypted.

    Args:
        path: of the clip.
        credentials: keys to check with; None for none.
        limits: what key derivation may cost; those of the format if None.

    Raises:
        WrongKeyError: if the key opens nothing.
        NotProtectedError, FileFormatError, ImageError: as `inspect_clip`.
    """
    path = Path(path)
    track = read_sealed_track(path)
    faces = track.header.faces
    problems, keys = list(track.problems), dict[int, FaceKey]()
    problems += [*_wrong_frames(track), *_sidecar_problems(track)]
    if credentials is not None and not credentials.empty:
        options = RecoverOptions(credentials=credentials)
        try:
            track, opened = open_track_of(path, options, limits)
            keys = dict(opened.face_keys)
            problems += _closed_tracks(track, keys)
        except WrongKeyError:
            raise
        except DamagedFileError as error:
            problems += [] if problems else [error.message]
    forgotten = tuple(number_of(index) for index, face in enumerate(faces) if face.forgotten)
    locked = tuple(n for n in range(1, len(faces) + 1) if n - 1 not in keys and n not in forgotten) if keys else ()
    warnings = () if keys else ("no key was given: it was not checked who made the sealed track",)
    opens = tuple(number_of(index) for index in sorted(keys))
    return ClipVerification(opens, locked, forgotten, bool(keys) and not problems, tuple(problems), warnings)


def clip_face_key(path: Path, face: int, credentials: Credentials, *, limits: KdfLimits | None = None) -> str:
    """Return the key of one person as text (``pfk1...``): it opens that person in this clip, and nothing else.

    Args:
        path: of the clip.
        face: number of the person, from 1.
        credentials: something that opens the person.
        limits: what key derivation may cost; those of the format if None.

    Raises:
        UsageError: if there is no such person, or the whole original is sealed, which shows everybody.
        WrongKeyError: if the key does not open the person.
        DamagedFileError: if the sealed track was altered.
    """
    index = index_of(face)
    track, opened = open_track_of(path, RecoverOptions(credentials=credentials), limits)
    _check_numbers(track.header, [index])
    if track.exact:
        raise UsageError(f"{path}: the original shows everybody, and nobody has a key alone", code="clip-exact-keys")
    if index not in opened.face_keys:
        gone = "was forgotten: the key is gone" if track.header.faces[index].forgotten else "does not open"
        raise WrongKeyError(f"{path}: person {face} {gone}")
    tag = slot_digest(track.header.faces[index].slot)[:TAG_BYTES]
    return encode_face_key(PortableFaceKey(index, tag, opened.face_keys[index]))


def forget_people(source: Path, faces: int | Collection[int], target: Path, *, overwrite: bool = False) -> ChangedClip:
    """Write a clip, and its sidecar, without what brings some people back: their wrapped keys and sealed tracks.

    Needs no key.

    Args:
        source: the clip; it may be the target too.
        faces: numbers of the people, from 1.
        target: where to write.
        overwrite: replace an existing file.

    Raises:
        UsageError: if there is no such person, none is named, or the whole original is sealed.
        NotProtectedError, FileFormatError, ImageError: as `inspect_clip`.
    """
    indices = indices_of(faces)
    if not indices:
        raise UsageError("no face was named", code="no-face-named")
    track = read_sealed_track(source)
    _check_numbers(track.header, indices)
    if track.exact:
        raise UsageError(
            f"{source}: the original shows everybody; nobody can be forgotten alone", code="clip-exact-keys"
        )
    header = track.header
    for index in indices:
        header = forget_face(header, index)

    def change(packet: bytes) -> bytes:
        if packet[:MARK_BYTES] != CHUNK_MARK:
            return packet
        chunk = decode_chunk(packet)
        left = {face: sealed for face, sealed in chunk.sealed.items() if face not in indices}
        return encode_chunk(ChunkPacket(chunk.table, left))

    beside, notes = rewrite_clip(track, header, target, change, overwrite=overwrite)
    warning = "copies of the file made before this one still open the person"
    return ChangedClip(target, tuple(map(number_of, indices)), (warning, *notes), beside)


def rewrap_clip(
    source: Path,
    credentials: Credentials,
    lock: Lock,
    target: Path,
    *,
    keep: bool = False,
    overwrite: bool = False,
    limits: KdfLimits | None = None,
) -> ChangedClip:
    """Write a clip, and its sidecar, that other passphrases and recipients open; all else stays as it is.

    Args:
        source: the clip; it may be the target too.
        credentials: what opens the groups of people to change.
        lock: who can open them from now on.
        target: where to write.
        keep: whether those who can open them now still can.
        overwrite: replace an existing file.
        limits: what key derivation may cost; those of the format if None.

    Raises:
        WrongKeyError: if the credentials open no group.
        UsageError: if a passphrase is weak, or nobody is named.
        ProFaceError: if the copy is not what it should be.
        NotProtectedError, FileFormatError, ImageError: as `inspect_clip`.
    """
    notes = [note for passphrase in lock.passphrases for note in check_passphrase(passphrase)]
    check_locks([lock])
    track = read_sealed_track(source)
    file_keys = unlock_groups(track.header, credentials, required=True, deriver=KekDeriver(limits))
    header = relock_header(track.header, file_keys, lock, keep=keep, deriver=KekDeriver(limits))
    for passphrase in lock.passphrases:
        again = unlock_groups(header, Credentials.of(passphrase), deriver=KekDeriver(limits))
        if any(again.get(number) != key for number, key in file_keys.items()):
            raise ProFaceError("the new passphrase would not open the file", code="verification-failed")
    beside, remarks = rewrite_clip(track, header, target, lambda packet: packet, overwrite=overwrite)
    left = len(header.groups) - len(file_keys)
    if left:
        notes.append(f"{left} of {len(header.groups)} groups of people did not open and stay as they were")
    people = tuple(number_of(index) for index, face in enumerate(header.faces) if face.group in file_keys)
    return ChangedClip(target, people, (*notes, *remarks), beside)


def _check_numbers(header: Header, indices: Collection[int]) -> None:
    for index in indices:
        if index >= len(header.faces):
            raise UsageError(f"there is no person {index + 1}", code="unknown-face", count=len(header.faces))


def _spans(track: SealedTrack, index: int) -> Iterator[tuple[float, float]]:
    """Yield the spans in which a person is covered, by chunks."""
    span: tuple[float, float] | None = None
    for entry in track.listed.entries:
        if track.exact or index not in entry.parts:
            continue
        start, stop = track.seconds(entry.start), track.seconds(entry.stop)
        if span is not None and start <= span[1]:
            span = span[0], stop
            continue
        if span is not None:
            yield span
        span = start, stop
    if span is not None:
        yield span


def _wrong_frames(track: SealedTrack) -> list[str]:
    """Compare the times of the pictures, which are not decoded, with the tables."""
    if track.exact or track.problems:
        return []
    with open_clip(track.path) as clip:
        size, unit = (clip.info.width, clip.info.height), clip.info.time_base
    if size != track.size:
        return [track.wrong_size(size)]
    times = _frame_times(track.path)
    wanted = [frame.time for table, _ in read_sealed_chunks(track) for frame in table.frames]
    if len(times) != len(wanted):
        return [f"it has {len(times)} frames, and {len(wanted)} were protected"]
    delay = track.delay(times[0], wanted[0])
    for here, there in zip(times, wanted, strict=True):
        if not track.shows(here - delay, there, unit):
            return [f"the frame at {track.seconds(there):.2f} seconds is shown at another time than it was"]
    return []


def _sidecar_problems(track: SealedTrack) -> list[str]:
    """Return the problems of a sidecar beside a clip that holds its own sealed track."""
    beside = None if track.sidecar is not None else clip_sidecar(track.path)
    if beside is None:
        return []
    try:
        other = read_track_at(track.path, beside)
    except FileFormatError as error:
        return [f"{error.message}; what it holds may open {track.path}"]
    if other.mark.stream != track.mark.stream:
        return []  # it belongs to another clip
    if holds_same(other, track):
        return [f"{beside}: {problem}" for problem in other.problems]
    return [f"{beside} is not the sidecar of {track.path} as it is now: other keys may open it, or more people"]


def _closed_tracks(track: SealedTrack, keys: dict[int, FaceKey]) -> list[str]:
    """Decrypt every track that the keys open."""
    problems = []
    for table, packet in () if track.exact else read_sealed_chunks(track):
        for face in set(packet.sealed) & set(keys):
            try:
                open_track(keys[face], packet.sealed[face], track.mark.stream, table.number, face, packet.table)
            except FileFormatError as error:
                problems.append(error.message)
    return problems


def is_protected_copy(path: Path, source: Path, sidecar: Sidecar = "none") -> bool:
    """Return whether a file is a complete protected clip whose frames are shown when those of another clip are.

    Args:
        path: of the file.
        source: the other clip.
        sidecar: whether what is sealed has to be in the file, in its sidecar, or in both.

    Raises:
        NotProtectedError, FileFormatError, ImageError: as `inspect_clip`.
    """
    track = read_sealed_track(path)
    where = track.sidecar is None, clip_sidecar(path) is not None
    if where != (sidecar != "instead", sidecar != "none"):
        return False
    if track.problems or _wrong_frames(track) or _sidecar_problems(track):
        return False
    return shows_same_times(path, source)


def shows_same_times(path: Path, other: Path) -> bool:
    """Return whether the frames of two clips are shown at the same times, counted from the first one.

    Raises:
        ImageError: if one of them cannot be read as a clip.
    """
    times, others = _frame_times(path), _frame_times(other)
    return [time - times[0] for time in times] == [time - others[0] for time in others]


def _frame_times(path: Path) -> list[Fraction]:
    """Return the times of a clip's pictures in seconds, ascending, without decoding them."""
    with open_clip(path) as clip:
        return sorted(
            packet.pts * packet.time_base
            for packet in clip.container.demux(clip.stream)
            if packet.size and packet.pts is not None
        )
