"""The style ``swap``: another face where there is one, a blurred oval where that is not sure, never a bare face."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

import proface_s
from proface_s import Session
from proface_s.covers import FaceRegion, apply_style, cover_face, parse_style
from proface_s.covers.face_swap.donors import FILES, load_donors, mouth_form, skin_tone
from proface_s.covers.face_swap.face_check import LEAST, face_likeness, is_masked
from proface_s.covers.face_swap.paint import paint_face
from proface_s.covers.face_swap.surface import fitted_pose, lookup, silhouette
from proface_s.covers.heads.landmarks import Mesh, find_mesh
from proface_s.covers.heads.outline import head_mask
from proface_s.errors import UsageError
from proface_s.faces import reversible_box
from proface_s.types import Box, Face, UInt8Image

TIGHT = Face(Box(178, 62, 91, 112), 0.94)
REGION = reversible_box(TIGHT.box, (512, 512))


@pytest.fixture(scope="module")
def photo() -> UInt8Image:
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut(), np.uint8)


@pytest.fixture(scope="module")
def region(photo: UInt8Image) -> FaceRegion:
    return FaceRegion.of(photo, REGION, [TIGHT])


@pytest.fixture(scope="module")
def mesh(region: FaceRegion) -> Mesh:
    found = find_mesh(region.pixels, region.faces[0])
    assert found is not None
    return found


def change(one: UInt8Image, other: UInt8Image, part: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other)[part].mean())


def test_the_bank_is_the_one_that_was_made() -> None:
    folder = Path(proface_s.__file__).parent / "covers" / "face_swap"
    assert {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES} == FILES
    donors = load_donors()
    count = len(donors.women)
    assert count == len(donors.textures) == len(donors.shapes) == len(donors.tones) == len(donors.mouths) == 56
    assert sorted([*donors.pool("woman"), *donors.pool("man")]) == list(donors.pool(None)) == list(range(count))
    assert donors.triangles.max() == 467


def test_a_pose_is_found_again() -> None:
    mean = load_donors().mean
    turn = cv2.Rodrigues(np.array([0.1, 0.5, -0.2]))[0]
    pose = fitted_pose(mean, 40 * mean @ turn.T + [5.0, 7.0, 1.0])
    assert pose.scale == pytest.approx(40)
    np.testing.assert_allclose(pose.rotation, turn, atol=1e-9)
    np.testing.assert_allclose(pose.apply(mean), 40 * mean @ turn.T + [5.0, 7.0, 1.0], atol=1e-9)
    assert abs(fitted_pose(mean, mean).yaw) < 1e-6
    assert pose.yaw == pytest.approx(29, abs=4)


def test_each_pixel_of_a_surface_comes_from_its_place() -> None:
    """Drawn at the places of the texture itself, every pixel is looked up where it is."""
    donors = load_donors()
    flat = np.concatenate([donors.uv, np.zeros((468, 1))], axis=1)
    places, inside = lookup(flat, donors.triangles, donors.uv, (256, 256))
    y, x = np.mgrid[0:256, 0:256]
    assert np.abs(places[inside] - np.stack([x, y], axis=2)[inside]).max() < 0.1
    assert (silhouette(flat, donors.triangles, (256, 256)) > 0)[inside].all()
    assert inside.mean() > 0.4


def test_a_draw_is_among_the_like_and_all_of_them_are_drawn(region: FaceRegion, mesh: Mesh) -> None:
    donors = load_donors()
    tone, mouth = skin_tone(region.pixels, mesh.points), mouth_form(mesh.points)
    pool = donors.pool("woman")
    drawn = [donors.draw(pool, tone, mouth, number) for number in range(400)]
    assert len(set(drawn)) == len(pool) // 3
    assert set(drawn) <= set(pool)
    nearness = [float(np.abs(donors.tones[number] - tone).sum()) for number in pool]
    assert np.mean([nearness[pool.index(number)] for number in set(drawn)]) < np.mean(nearness)
    assert max(drawn.count(each) for each in set(drawn)) < 3 * 400 / len(set(drawn))  # none is drawn all the time
    assert donors.draw([4, 9], tone, mouth, 3) in (4, 9)


@pytest.mark.parametrize("text", ["swap", "swap:woman", "swap:man"])
def test_a_reduced_picture_draws_the_same_person(region: FaceRegion, text: str) -> None:
    """The page previews faces from small pictures of their regions."""
    height, width = region.size
    small = np.asarray(cv2.resize(region.pixels, (width * 3 // 4, height * 3 // 4), interpolation=cv2.INTER_AREA))
    style = parse_style(f"{text}:5")
    large = apply_style(FaceRegion(region.pixels), style)
    again = cv2.resize(apply_style(FaceRegion(small), style), (width, height), interpolation=cv2.INTER_CUBIC)
    other = apply_style(FaceRegion(region.pixels), parse_style(f"{text}:77"))
    part = np.zeros(region.size, bool)
    part[height // 3 : height * 3 // 4, width // 3 : width * 2 // 3] = True
    assert change(large, np.asarray(again), part) < change(large, other, part) / 1.5


@pytest.mark.parametrize("box", [(20, 320, 90, 100), (380, 380, 64, 64), (300, 250, 160, 160)])
def test_no_face_is_put_where_none_is(photo: UInt8Image, box: tuple[int, int, int, int]) -> None:
    x, y, w, h = box
    made = cover_face(FaceRegion(np.ascontiguousarray(photo[y : y + h, x : x + w])), parse_style("swap"))
    assert made.fallback == "landmarks"


def test_who_smiles_gets_a_face_that_does(region: FaceRegion, mesh: Mesh) -> None:
    donors, tone = load_donors(), skin_tone(region.pixels, mesh.points)
    smiles = [
        np.median(
            [
                donors.mouths[donors.draw(donors.pool(None), tone, np.array([0.03, curve]), number), 1]
                for number in range(60)
            ]
        )
        for curve in (-0.03, 0.02, 0.07)
    ]
    assert smiles == sorted(set(smiles))
    assert mouth_form(mesh.points)[1] > 0.03  # of the astronaut, who smiles
    turn = cv2.Rodrigues(np.array([0.1, 0.5, -0.8]))[0]
    np.testing.assert_allclose(mouth_form(70 * mesh.points @ turn.T + 9), mouth_form(mesh.points), atol=1e-9)


@pytest.mark.parametrize("lightness", [60, 75, 110, 150, 190, 230])
@pytest.mark.parametrize("mouth", [(0.0, -0.03), (0.08, 0.06), (0.2, 0.0)])
@pytest.mark.parametrize("name", [None, "woman", "man"])
def test_nobody_gets_the_face_of_somebody_much_lighter_or_darker(
    lightness: int, mouth: tuple[float, float], name: str | None
) -> None:
    """Unless there are not six donors who are nearer, also if somebody laughs."""
    donors = load_donors()
    pool, tone = np.asarray(donors.pool(name)), np.array([lightness, 147.0, 152.0])
    apart = np.abs(donors.tones[:, 0] - lightness)
    drawn = {donors.draw(donors.pool(name), tone, np.array(mouth), number) for number in range(60)}
    assert len(drawn) >= 6
    assert max(apart[list(drawn)]) <= max(35, np.sort(apart[pool])[5])


@pytest.mark.parametrize(
    ("colour", "masked"),
    [((150, 190, 220), True), ((235, 235, 235), True), ((25, 25, 28), True), ((90, 30, 40), True), (None, False)],
)
def test_a_mask_is_not_painted_as_a_chin(region: FaceRegion, mesh: Mesh, colour: tuple[int, ...], masked: bool) -> None:
    pixels = region.pixels.copy()
    if colour is not None:
        edge = mesh.points[[50, 4, 280, 365, 152, 136], :2].astype(np.int32)
        cv2.fillConvexPoly(pixels, cv2.convexHull(edge), colour)
    assert is_masked(pixels, mesh) is masked


def test_walls_do_not_look_like_faces_and_faces_do(region: FaceRegion, mesh: Mesh) -> None:
    assert face_likeness(region.pixels, mesh) > 2 * LEAST
    noise = np.random.default_rng(5).integers(0, 256, (*region.size, 3)).astype(np.uint8)
    for other in (noise, np.full_like(region.pixels, 90)):
        assert face_likeness(other, mesh) < LEAST


def test_a_swap_changes_the_face_and_nothing_around_it(region: FaceRegion) -> None:
    cover = apply_style(region, parse_style("swap"))
    around = head_mask(region) == 0
    assert np.array_equal(cover[around], region.pixels[around])
    middle = np.zeros(region.size, bool)
    middle[region.size[0] // 3 : region.size[0] * 3 // 4, region.size[1] // 3 : region.size[1] * 2 // 3] = True
    assert change(cover, region.pixels, middle) > 8
    assert find_mesh(cover, region.faces[0]) is not None  # there is a face still
    assert cover_face(region, parse_style("swap")).remark is None


def test_the_same_text_gives_the_same_pixels_and_another_number_other_people(region: FaceRegion) -> None:
    covers = [apply_style(region, parse_style(f"swap:{number}")) for number in range(6)]
    assert np.array_equal(covers[0], apply_style(region, parse_style("swap")))
    assert len({cover.tobytes() for cover in covers}) > 3
    woman, man = (apply_style(region, parse_style(text)) for text in ("swap:woman", "swap:man"))
    assert not np.array_equal(woman, man)


def test_every_donor_hides_what_tells_the_face_from_others(region: FaceRegion, mesh: Mesh) -> None:
    """The detail of the face in the photo is not in the painted one."""
    donors, core = load_donors(), np.zeros(region.size, np.uint8)
    cv2.fillConvexPoly(core, cv2.convexHull(mesh.points[:, :2].astype(np.int32)), 1)
    core = cv2.erode(core, np.ones((15, 15), np.uint8)) > 0

    def detail(pixels: UInt8Image) -> np.ndarray:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return (grey - cv2.GaussianBlur(grey, (0, 0), 3))[core]

    wanted = detail(region.pixels)
    for donor in range(0, 56, 7):
        made = paint_face(region.pixels, mesh.points, donors, donor, 1)
        assert made.mask[core].mean() > 0.95
        found = detail(made.pixels)
        assert np.corrcoef(wanted, found)[0, 1] < 0.7, donor


@pytest.mark.parametrize(
    ("face", "reason"),
    [
        (Face(Box(178, 62, 91, 112), 0.6), "perhaps not a face"),
        (Face(Box(20, 320, 90, 100), 0.9), "not seen clearly"),
        (Face(Box(200, 90, 18, 20), 0.9), "too small"),
    ],
)
def test_what_is_hardly_a_face_gets_a_blurred_oval(photo: UInt8Image, face: Face, reason: str) -> None:
    inside = FaceRegion.of(photo, reversible_box(face.box, (512, 512)), [face])
    remark = cover_face(inside, parse_style("swap")).remark
    assert remark is not None
    assert reason in remark
    cover = apply_style(inside, parse_style("swap"))
    blurred = apply_style(inside, parse_style("blur@oval"))
    covered = head_mask(inside) == 1
    assert np.array_equal(cover[covered], blurred[covered])


def test_a_profile_is_not_exchanged(region: FaceRegion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proface_s.covers.face_swap.new_face._MOST_YAW", 0.0)
    assert cover_face(region, parse_style("swap")).remark == (
        "covered by a blurred oval instead of another face: turned too far to one side"
    )


@pytest.mark.parametrize("kind", ["grey", "black and white", "tinted", "dark", "large"])
def test_unusual_photos_get_a_cover(region: FaceRegion, kind: str) -> None:
    grey = np.repeat(cv2.cvtColor(region.pixels, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)
    made = {
        "grey": grey,
        "black and white": np.where(grey > 128, 255, 0).astype(np.uint8),
        "tinted": np.minimum(region.pixels, np.array([255, 60, 90], np.uint8)),
        "dark": region.pixels // 16,
        "large": cv2.resize(region.pixels, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC),
    }[kind]
    scale = made.shape[0] // region.size[0]
    box = region.faces[0].box
    face = Face(Box(box.x * scale, box.y * scale, box.w * scale, box.h * scale), 0.94)
    pixels = np.ascontiguousarray(made, np.uint8)
    cover = apply_style(FaceRegion(pixels, (face,)), parse_style("swap"))
    middle = np.zeros(pixels.shape[:2], bool)
    middle[face.box.y : face.box.bottom, face.box.x : face.box.right] = True
    assert change(cover, pixels, middle) > 1
    if kind == "grey":
        assert np.ptp(cover.astype(int), axis=2).max() <= 12


def test_protect_tells_why_a_face_was_blurred_and_the_file_says_swap(photo: UInt8Image) -> None:
    session = Session(threads=1)
    passphrase = "correct horse battery staple"
    wall = session.protect(photo, passphrase, style="swap", boxes=(20, 320, 90, 100), faces="none")
    assert [warning for warning in wall.warnings if "instead of another face" in warning]
    face = session.protect(photo, passphrase, style="swap:woman:3", boxes=REGION, faces="none")
    assert not [warning for warning in face.warnings if "instead of another face" in warning]
    seen = proface_s.inspect(face.data)
    assert [each.style for each in seen.faces] == ["swap:3@oval"]
    assert seen.warnings == ("face 1: a synthetic face is shown, of a person who does not exist",)
    back = session.recover(face.data, passphrase)
    assert np.array_equal(back.recovered, photo)


def test_an_unknown_person_is_refused() -> None:
    with pytest.raises(UsageError, match="'anna' is not a person"):
        parse_style("swap:anna")
