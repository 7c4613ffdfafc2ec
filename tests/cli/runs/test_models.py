"""The published network as a model to choose: named by an option, found by the file, never without a warning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_kit import PASSPHRASE, Proface, save
from PIL import Image

from proface_s.image.measures import psnr

BOX = (20, 16, 96, 96)
SOLID = ("--style", "solid")  # the drawing is so smooth that other covers resemble it
BY_HAND = ("--faces", "none", "--box", "20,16,96,96")


@pytest.fixture(autouse=True)
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFACE_PASSPHRASE", PASSPHRASE)


def region(name: str) -> np.ndarray:
    x, y, w, h = BOX
    return np.asarray(Image.open(name).convert("RGB"))[y : y + h, x : x + w]


def test_a_sealed_file_of_the_published_network_comes_back_exactly(proface: Proface) -> None:
    photo = str(save("photo.png"))
    done = proface("protect", photo, *BY_HAND, "--model", "paper-randwr", "-o", "p.png")
    assert done.code == 0
    assert done.err.count("its pixels are not secret") == 1
    assert proface("recover", "p.png", "-o", "r.png", "--json").records[0]["faces"][0]["outcome"] == "exact"
    np.testing.assert_array_equal(np.asarray(Image.open("r.png")), np.asarray(Image.open(photo)))
    (record,) = proface("inspect", "p.png", "--json").records
    assert record["model"] == "paper-randwr"
    assert any("its pixels are not secret" in warning for warning in record["warnings"])


def test_without_a_seal_the_pixels_bring_back_an_estimate(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    save("photo.png")
    assert proface("protect", "photo.png", *BY_HAND, "--model", "paper-randwr", "--no-seal", "-o", "p.png").code == 0
    result = proface("recover", "p.png", "-o", "r.png", "--json")
    assert result.records[0]["faces"][0]["outcome"] == "estimate"
    assert psnr(region("r.png"), region("photo.png")) > 36
    assert proface("recover", "p.png", "--from-pixels", "-o", "r2.png").code == 0
    np.testing.assert_array_equal(region("r2.png"), region("r.png"))
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    assert proface("recover", "p.png", "-o", "w.png").code == 3
    assert proface("recover", "p.png", "--force", "-o", "w.png").code == 0
    assert psnr(region("w.png"), region("photo.png")) < 13


def test_the_mode_follows_the_model(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    save("photo.png")
    assert proface("protect", "photo.png", *BY_HAND, *SOLID, "--model", "paper-obfswr", "-o", "p.png").code == 0
    (record,) = proface("inspect", "p.png", "--json").records
    assert (record["model"], record["wrong_key"]) == ("paper-obfswr", "cover")
    assert proface("recover", "p.png", "-o", "r.png").code == 0
    assert psnr(region("r.png"), region("photo.png")) > 33
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    assert proface("recover", "p.png", "-o", "w.png").code == 0
    assert psnr(region("w.png"), region("p.png")) > 28
    assert psnr(region("w.png"), region("photo.png")) < 22


def test_a_model_without_the_mode_or_without_existence_is_refused(proface: Proface) -> None:
    save("photo.png")
    for options, words in (
        (("--model", "paper-randwr", "--wrong-key", "cover"), "has no cover mode, only noise"),
        (("--model", "paper-obfswr", "--wrong-key", "noise"), "has no noise mode, only cover"),
        (("--model", "nosuch"), "there is no model 'nosuch'"),
    ):
        result = proface("protect", "photo.png", *BY_HAND, *options, "-o", "p.png")
        assert result.code == 2
        assert words in result.err
        assert not Path("p.png").exists()


def test_a_folder_warns_of_the_model_once(proface: Proface) -> None:
    for n in range(2):
        save(f"album/{n}.png")
    done = proface("protect", "album", *BY_HAND, "--model", "paper-randwr", "-o", "out")
    assert done.code == 0
    assert done.err.count("its pixels are not secret") == 1
    resumed = proface("protect", "album", *BY_HAND, "--model", "paper-randwr", "-o", "out", "--resume", "--json")
    assert [record["status"] for record in resumed.records] == ["skipped", "skipped"]
    other = proface("protect", "album", *BY_HAND, "-o", "out", "--resume", "--json")
    assert all("another model" in json.dumps(record) for record in other.records)
