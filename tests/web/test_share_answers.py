"""Share copies over the service: two files in one answer, and what came back from an app."""

from __future__ import annotations

import base64
import email
import io
import json
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from web_kit import ANNS, BOBS, Service, drawn, pixels, png

from proface_s.robust.regions import REGIONS
from proface_s.web.operations import ResultFile
from proface_s.web.responses import as_multipart

data = pytest.importorskip("skimage.data")
BOX = {"x": 320, "y": 40, "w": 240, "h": 280}
OPTIONS = {"passphrase": ANNS, "faces": "none", "boxes": [BOX], "seal": False}


@pytest.fixture(scope="module")
def party() -> bytes:
    """An astronaut, 1280 pixels a side."""
    return png(np.asarray(Image.fromarray(data.astronaut()).resize((1280, 1280), Image.Resampling.BICUBIC)))


@pytest.fixture(scope="module")
def both(service: Service, party: bytes) -> httpx.Response:
    """The answer with a protected picture and its share copy."""
    answer = service.post("/api/protect", party, {**OPTIONS, "share": {}})
    assert answer.status_code == 200, answer.text
    return answer


def parts(answer: httpx.Response) -> dict[str, bytes]:
    """Files of an answer with several, by name; read with a parser that knows nothing of this service."""
    head = f"content-type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.content)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)  # type: ignore[misc]
        for part in message.walk()
        if not part.is_multipart()
    }


def through_app(shared: bytes, quality: int = 75) -> bytes:
    file = io.BytesIO()
    with Image.open(io.BytesIO(shared)) as image:
        image.convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


def test_an_answer_has_both_files(service: Service, party: bytes, both: httpx.Response) -> None:
    facts = json.loads(both.headers["proface-result"])
    files = parts(both)
    assert list(files) == ["protected", "share"]
    assert (facts["bytes"], facts["share"]["bytes"]) == tuple(map(len, files.values()))
    assert (facts["share"]["format"], facts["share"]["width"], facts["share"]["height"]) == ("jpeg", 1280, 1280)
    assert service.post("/api/inspect", files["protected"]).json()["source"] == "metadata"
    shown = service.post("/api/inspect", through_app(files["share"])).json()
    assert (shown["source"], shown["received"]) == ("share", {"width": 1280, "height": 1280})
    assert shown["faces"][0]["likeness_bytes"] == facts["share"]["face_bytes"][0]
    back = service.post("/api/recover", through_app(files["share"]), {"passphrase": ANNS})
    (face,) = json.loads(back.headers["proface-result"])["faces"]
    assert (face["outcome"], face["likeness_bytes"], face["box"]) == ("reduced", facts["share"]["face_bytes"][0], BOX)
    wrong = service.post("/api/recover", through_app(files["share"]), {"passphrase": BOBS})
    assert (wrong.status_code, wrong.json()["exit_code"]) == (403, 3)
    assert "share copy of 1280 x 1280 pixels with 1 face" in wrong.json()["detail"]


def test_boxes_of_a_reduced_copy_are_those_of_the_picture_as_it_is(service: Service, both: httpx.Response) -> None:
    with Image.open(io.BytesIO(parts(both)["share"])) as image:
        smaller = png(np.asarray(image.resize((900, 900), Image.Resampling.BICUBIC)))
    shown = service.post("/api/inspect", smaller).json()
    assert (shown["width"], shown["received"]) == (1280, {"width": 900, "height": 900})
    box = shown["faces"][0]["box"]
    assert abs(box["x"] - 320 * 900 / 1280) < 2
    assert abs(box["w"] - 240 * 900 / 1280) < 2


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_is_taken_by_its_name(service: Service, party: bytes, region: str) -> None:
    answer = service.post("/api/protect", party, {**OPTIONS, "share": {"region": region}})
    assert answer.status_code == 200, answer.text
    assert service.post("/api/inspect", parts(answer)["share"]).json()["source"] == "share"


def test_a_stream_has_both_files(service: Service, party: bytes) -> None:
    options = {**OPTIONS, "share": {"region": "halo", "long_side": None, "format": "png"}}
    events = service.stream("/api/protect", party, options)
    stages = [event["stage"] for event in events if event["event"] == "progress"]
    assert stages == ["read", "find", "hide", "check", "share"]
    kinds = [event["event"] for event in events if event["event"] != "progress"]
    second = kinds.index("file")
    assert kinds[0] == "result"
    assert kinds[-1] == "end"
    assert set(kinds[1:second]) == set(kinds[second + 1 : -1]) == {"data"}
    files: list[bytes] = []
    for event in events:
        if event["event"] in ("result", "file"):
            files.append(b"")
        elif event["event"] == "data":
            files[-1] += base64.b64decode(event["base64"])
    result = next(event for event in events if event["event"] == "result")
    assert (result["bytes"], result["share"]["bytes"]) == tuple(map(len, files))
    (named,) = (event for event in events if event["event"] == "file")
    assert (named["name"], named["media_type"]) == ("share.png", "image/png")
    assert pixels(files[1]).shape == (1280, 1280, 3)


@pytest.mark.parametrize(
    ("photo", "options", "detail", "hint"),
    [
        (drawn(640, 420), {"boxes": [{"x": 10 + 62 * n, "y": 100, "w": 50, "h": 60} for n in range(10)]},
         "no room for 10 faces", "larger copy"),
        (png(np.full((700, 700, 3), 255, np.uint8)), {"boxes": [{"x": 20, "y": 20, "w": 64, "h": 64}]},
         "too plain, too dark or too bright", "protected file alone"),
        (drawn(700, 700), {"wrong_key": "cover", "seal": None}, "no cover mode", "copy to send"),
    ],
    ids=["ten faces", "white", "cover mode"],
)  # fmt: skip
def test_refusals_say_what_to_do(service: Service, photo: bytes, options: Any, detail: str, hint: str) -> None:
    answer = service.post("/api/protect", photo, {**OPTIONS, **options, "share": {}})
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert hint in answer.json()["hint"]


def test_one_file_for_both(service: Service, party: bytes) -> None:
    answer = service.post("/api/protect", party, {**OPTIONS, "seal": None, "share": {"inside": True}})
    assert answer.headers["content-type"] == "image/png"
    facts = json.loads(answer.headers["proface-result"])
    assert (facts["share"]["inside"], facts["share"]["bytes"]) == (True, len(answer.content))
    assert service.post("/api/inspect", answer.content).json()["inside_bytes"] == facts["share"]["face_bytes"]
    for sent, outcome in ((answer.content, "exact"), (through_app(answer.content), "reduced")):
        back = service.post("/api/recover", sent, {"passphrase": ANNS})
        (face,) = json.loads(back.headers["proface-result"])["faces"]
        assert face["outcome"] == outcome
    refused = service.post("/api/protect", party, {**OPTIONS, "share": {"inside": True}})
    assert refused.status_code == 422
    assert "exact copies" in refused.json()["hint"]


@pytest.mark.parametrize(
    "share", [{"region": "box"}, {"long_side": 1000}, {"format": "webp"}, {"quality": 1}, "yes"], ids=str
)
def test_other_options_are_refused(service: Service, share: Any) -> None:
    assert service.post("/api/protect", drawn(), {**OPTIONS, "share": share}).status_code == 422


def test_parts_hold_any_bytes() -> None:
    files = [ResultFile.of(name, bytes(range(256)) * 3 + b"\r\n--") for name in ("protected", "share")]
    body, kind = as_multipart(files)
    assert parts(httpx.Response(200, content=body, headers={"content-type": kind})) == {
        "protected": files[0].data,
        "share": files[1].data,
    }
