"""Clips over the REST API: found, protected, held, recovered, and within limits."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from clip_web_kit import Stream, clip_of, left_behind, lumas, post_clip
from PIL import Image
from web_kit import ANNS, BOBS, STREAM, Service, drawn, running, until

from proface_s import Session
from proface_s.web.settings import ServiceSettings

pytestmark = pytest.mark.slow


def facts_of(answer: httpx.Response) -> dict[str, Any]:
    """The facts beside a file."""
    assert answer.status_code == 200
    return dict(json.loads(answer.headers["proface-result"]))


def test_people_are_found_and_shown(session: Session, clip_folder: Path, pair: bytes) -> None:
    with running(ServiceSettings(workers=1), session) as service:
        found = post_clip(service, "/api/people", pair).json()
    assert (found["width"], found["height"], found["frames"]) == (576, 240, 12)
    assert [person["number"] for person in found["people"]] == [1, 2]
    left, right = (person["box"]["x"] for person in found["people"])
    assert left < 288 < right
    for person in found["people"]:
        assert person["spans"] == [[0.0, 1.1]]
        with Image.open(io.BytesIO(base64.b64decode(person["picture"]))) as tile:
            assert tile.size == (160, 160)


def test_a_key_brings_one_person_back(clip_service: Service, pair: bytes, pair_protected: bytes) -> None:
    before, covered = lumas(pair), lumas(pair_protected)
    answer = post_clip(clip_service, "/api/recover", pair_protected, {"passphrase": BOBS})
    facts = facts_of(answer)
    assert [person["outcome"] for person in facts["people"]] == ["covered", "sealed"]
    assert facts["bytes"] == len(answer.content)
    assert answer.headers["content-type"] == "video/mp4"
    back = lumas(answer.content)
    assert len(before) == len(covered) == len(back)
    for first, hidden, last in zip(before, covered, back, strict=True):
        right = slice(None), slice(288, None)
        left = slice(None), slice(0, 288)
        assert difference(first[right], last[right]) < 3 < difference(first[left], last[left])
        assert difference(first[right], hidden[right]) > 3


def difference(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    return float(np.abs(first.astype(float) - second.astype(float)).mean())


def test_the_sealed_original_comes_back_bit_for_bit(clip_service: Service, pair: bytes) -> None:
    protected = post_clip(clip_service, "/api/protect", pair, {"passphrase": ANNS, "exact": True})
    assert facts_of(protected)["format"] == "mp4"
    back = post_clip(clip_service, "/api/recover", protected.content, {"passphrase": ANNS})
    assert facts_of(back)["exact"]
    assert back.content == pair


def test_a_protected_clip_is_inspected(clip_service: Service, pair_protected: bytes) -> None:
    found = post_clip(clip_service, "/api/inspect", pair_protected).json()
    assert (found["groups"], found["exact"], found["problems"]) == (2, False, [])
    assert [person["style"] for person in found["people"]] == ["pixelate", "pixelate"]


def test_a_clip_that_is_held_is_sent_once(clip_service: Service, pair: bytes, clip_folder: Path) -> None:
    with Stream(clip_service, "/api/people", pair, {"hold": True}) as people:
        found = people.until("result")
        assert [event["stage"] for event in people.events[:2]] == ["read", "find"]
        assert found["file"] is None
        assert clip_service.client.get(f"/api/held/{found['clip']}").content == pair
        options = {"passphrase": ANNS, "people": [2], "hold": True}
        with Stream(clip_service, "/api/protect", found["clip"], options) as protecting:
            done = protecting.until("result")
            assert {event["stage"] for event in protecting.events[:-1]} == {"read", "hide"}, (
                "nobody is looked for again"
            )
            assert [(person["number"], person["found"]) for person in done["people"]] == [(1, 2)]
            protected = clip_service.client.get(f"/api/held/{done['file']}")
            assert len(protected.content) == done["bytes"]
            assert protecting.until("held")
            again = post_clip(clip_service, "/api/recover", done["file"], {"passphrase": ANNS})
            assert facts_of(again)["people"] == [{"number": 1, "outcome": "sealed"}]
        assert until(lambda: clip_service.client.get(f"/api/held/{done['file']}").status_code == 404)
        assert clip_service.client.get(f"/api/held/{found['clip']}").status_code == 200
    assert until(lambda: not left_behind(clip_folder))
    gone = post_clip(clip_service, "/api/protect", found["clip"], {"passphrase": ANNS})
    assert gone.status_code == 404
    assert gone.json()["type"] == "urn:proface:not-held"


def test_two_who_are_one_get_one_key(clip_service: Service, pair: bytes) -> None:
    answer = post_clip(clip_service, "/api/protect", pair, {"passphrase": ANNS, "same": [[1, 2]]})
    assert [person["found"] for person in facts_of(answer)["people"]] == [1]


def test_files_are_private_and_go_with_their_client(clip_service: Service, pair: bytes, clip_folder: Path) -> None:
    with Stream(clip_service, "/api/people", pair, {"hold": True}) as people:
        people.until("result")
        (root,) = clip_folder.iterdir()
        for path in (root, *root.rglob("*")):
            assert path.stat().st_mode & 0o077 == 0 or path.name == "lock"
        assert len(left_behind(clip_folder)) == 2
    assert until(lambda: not left_behind(clip_folder))


def test_leaving_ends_the_work_and_removes_the_files(stuck_service: Service, pair: bytes, clip_folder: Path) -> None:
    with Stream(stuck_service, "/api/people", pair) as people:
        assert people.until("progress")["stage"] == "read"
        assert people.until("progress")["stage"] == "find"
        assert left_behind(clip_folder)
    assert until(lambda: not left_behind(clip_folder))


def test_a_stream_that_holds_nothing_has_the_file_in_it(clip_service: Service, pair: bytes, clip_folder: Path) -> None:
    answer = post_clip(clip_service, "/api/protect", pair, {"passphrase": ANNS, "mute": True}, accept=STREAM)
    events = [json.loads(line) for line in answer.text.splitlines()]
    assert events[-1] == {"event": "end"}
    clip = b"".join(base64.b64decode(event["base64"]) for event in events if event["event"] == "data")
    result = next(event for event in events if event["event"] == "result")
    assert (result["media_type"], result["bytes"]) == ("video/mp4", len(clip))
    assert len(lumas(clip)) == 12
    assert until(lambda: not left_behind(clip_folder))


@pytest.mark.parametrize(
    ("make", "status", "kind", "words"),
    [
        (lambda: b"this is not a clip", 422, "image", "cannot be read as a clip"),
        (lambda: drawn(), 422, "image", "clip"),
        (lambda: clip_of([], suffix="m4a"), 422, "image", "no moving pictures, only sound"),
        (lambda: bytes(3 << 20), 413, "too-large", "the limit is 2 MiB"),
        (lambda: clip_of([np.zeros((1024, 1024, 3), np.uint8)] * 2), 413, "too-long", "1024x1024 pixels"),
        (lambda: clip_of([np.zeros((64, 64, 3), np.uint8)] * 601, sound=False), 413, "too-long", "limit is 60"),
        (lambda: clip_of([np.zeros((960, 960, 3), np.uint8)] * 110, sound=False), 413, "too-long", "billion pixels"),
    ],
)
def test_what_cannot_be_worked_on_is_refused_in_words(
    clip_service: Service, make: Callable[[], bytes], status: int, kind: str, words: str, clip_folder: Path
) -> None:
    answer = post_clip(clip_service, "/api/people", make())
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["type"] == f"urn:proface:{kind}"
    assert words in problem["detail"]
    assert str(clip_folder) not in answer.text
    assert "picture" not in problem["title"]
    assert until(lambda: not left_behind(clip_folder))


def test_errors_are_those_of_the_command_line(clip_service: Service, pair: bytes, pair_protected: bytes) -> None:
    for path, clip, options, status, exit_code in (
        ("/api/recover", pair_protected, {"passphrase": "not the right passphrase"}, 403, 3),
        ("/api/recover", pair, {"passphrase": ANNS}, 422, 5),
        ("/api/recover", pair_protected, {}, 422, 2),
        ("/api/inspect", pair, None, 422, 5),
        ("/api/protect", pair_protected, {"passphrase": ANNS}, 422, 2),
        ("/api/protect", pair, {"passphrase": "short"}, 422, 2),
        ("/api/protect", pair, {"passphrase": ANNS, "people": [7]}, 422, 2),
        ("/api/protect", pair, {"passphrase": ANNS, "own": [{"person": 7, "passphrase": BOBS}]}, 422, 2),
        ("/api/people", pair, {"hold": True}, 422, 2),
    ):
        answer = post_clip(clip_service, path, clip, options)
        assert answer.status_code == status, (path, options, answer.text)
        assert answer.json()["exit_code"] == exit_code, (path, options, answer.text)


def test_photos_are_answered_while_a_clip_is_worked_on(stuck_service: Service, pair: bytes) -> None:
    with Stream(stuck_service, "/api/people", pair) as people:
        people.until("progress")
        assert stuck_service.post("/api/render", drawn()).status_code == 200


def test_a_photo_is_no_clip_and_a_clip_no_photo(clip_service: Service, pair: bytes) -> None:
    assert post_clip(clip_service, "/api/detect", pair).status_code == 400
    assert clip_service.post("/api/people", drawn()).status_code == 400
