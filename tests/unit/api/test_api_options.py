"""Options of `protect` and `recover`: one form for what people have, checked once, before any work."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields
from inspect import signature
from typing import Any

import numpy as np
import pytest

import proface_s
from proface_s import Lock, ProtectOptions, RecoverOptions, Session, UsageError
from proface_s.api.face_search import FaceSearch
from proface_s.types import Box, Style

PASSPHRASE = "correct horse battery staple"


def test_every_form_means_the_same() -> None:
    bobs = Lock.of("bobs own passphrase")
    made = ProtectOptions.of(
        PASSPHRASE,
        own={np.int64(2): bobs, "4,6,20,30": bobs},
        style="pixelate:8",
        own_styles={(4, 6, 20, 30): "solid"},
        boxes=[(4, 6, 20, 30), "40,6,20,30"],
        faces="3, 1,3",
    )
    assert made == ProtectOptions(
        lock=Lock.of(PASSPHRASE),
        own={2: bobs, Box(4, 6, 20, 30): bobs},
        style=Style("pixelate", 8.0),
        own_styles={Box(4, 6, 20, 30): Style("solid")},
        boxes=(Box(4, 6, 20, 30), Box(40, 6, 20, 30)),
        faces=(1, 3),
    )
    assert [ProtectOptions.of(PASSPHRASE, faces=each).faces for each in ("all", "NONE", (), 2, [2, 1])] == [
        None,
        (),
        (),
        (2,),
        (1, 2),
    ]
    assert RecoverOptions.of(PASSPHRASE, faces=[3, 1]).faces == (1, 3)
    assert RecoverOptions.of(PASSPHRASE).faces is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"passphrase": None}, "no passphrase and no recipient"),
        ({"passphrase": "short"}, "at least 8"),
        ({"own": {1: Lock.of("short")}}, "at least 8"),
        ({"own": {0: Lock.of(PASSPHRASE)}}, "there is no face 0"),
        ({"own_styles": {"a face": "blur"}}, "1 numbers instead of 4"),
        ({"style": "invisible"}, "there is no style 'invisible'"),
        ({"boxes": ["1,2,3"]}, "3 numbers instead of 4"),
        ({"faces": "two"}, "face selection 'two' is not understood"),
        ({"wrong_key": "silence"}, "not 'silence'"),
        ({"wrong_key": "cover", "seal": True}, "there can be no seal"),
        ({"margin": 2.5}, "margin 2.5 is not between 0 and 2"),
        ({"threshold": -1}, "threshold -1 is not between 0 and 1"),
        ({"share": True}, "asked for with ShareOptions, not with True"),
    ],
)
def test_what_makes_no_sense_is_refused_when_options_are_made(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ProtectOptions.of(**{"passphrase": PASSPHRASE} | wrong)


def test_options_hold_what_protect_and_recover_take() -> None:
    """Whatever is no option belongs to one call: the picture, its files, and who is told of progress."""
    of_a_call = {"image", "output", "overwrite", "progress"}
    taken = set(signature(proface_s.protect).parameters) - of_a_call - {"passphrase", "recipients"}
    searched = {each.name for each in fields(FaceSearch)}
    assert taken == {each.name for each in fields(ProtectOptions) if each.init} - {"lock", "search"} | searched
    keys = {"passphrase", "identities", "face_keys", "credentials"}
    taken = set(signature(proface_s.recover).parameters) - of_a_call - keys - {"sidecar"}
    assert taken == {each.name for each in fields(RecoverOptions)} - {"credentials"}
    for name, options in (("protect", ProtectOptions), ("recover", RecoverOptions)):
        public, made = signature(getattr(proface_s, name)), signature(options.of)
        for parameter in made.parameters.values():
            assert public.parameters[parameter.name].default == parameter.default, parameter.name


def test_options_are_fixed_can_be_sent_and_show_no_key() -> None:
    options = ProtectOptions.of(PASSPHRASE, own={2: Lock.of("bobs own passphrase")}, boxes=(1, 2, 30, 40))
    with pytest.raises(FrozenInstanceError):
        options.record = False  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(options)) == options
    assert "passphrase" not in repr(options).replace("passphrases", "")
    assert PASSPHRASE not in repr(options)
    assert PASSPHRASE not in repr(RecoverOptions.of(PASSPHRASE))


def test_sealed_follows_the_mode_unless_told() -> None:
    of = ProtectOptions.of
    assert [of(PASSPHRASE, wrong_key=mode).sealed for mode in ("noise", "cover")] == [True, False]
    assert not of(PASSPHRASE, seal=False).sealed


def test_options_made_once_serve_many_pictures() -> None:
    session, options = Session(), ProtectOptions.of(PASSPHRASE, boxes=(16, 16, 32, 32), faces="none", style="solid")
    for seed in 1, 2:
        photo = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8)
        done = session.protect_with(photo, options)
        back = session.recover_with(done, RecoverOptions.of(PASSPHRASE))
        assert [face.outcome for face in back.faces] == ["exact"]
        assert np.array_equal(back.recovered, photo)
