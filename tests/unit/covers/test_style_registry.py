"""Case U4: a style that somebody registers is found, from Python and, by an entry point, from the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import proface_s
from proface_s import Session
from proface_s.covers import CoverStyle, FaceRegion, Unit, get_style, parse_style, register_style, registry, style_names
from proface_s.errors import UsageError

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Styles that a test registers are gone after it."""
    yield
    registry._registered.clear()


def style(name: Any = "stripes", **changes: Any) -> type[Any]:
    def fill(self: Any, region: FaceRegion, strength: float, option: str | None) -> np.ndarray:
        height, width = region.size
        columns = np.arange(width) * round(strength) // width % 2 * 255
        return np.broadcast_to(columns[None, :, None], (height, width, 3)).astype(np.uint8)

    members = {
        "name": name,
        "summary": "black and white stripes",
        "unit": Unit("stripes across the box"),
        "default_strength": 8.0,
        "strength_range": (2.0, 64.0),
        "fill": fill,
    }
    return type("Stripes", (CoverStyle,), {"__module__": "my_covers", **members, **changes})


def test_a_registered_style_covers_faces() -> None:
    made = register_style(style())
    assert made.__name__ == "Stripes"
    assert "stripes" in style_names()
    photo = np.full((120, 160, 3), 90, np.uint8)
    done = Session(threads=1).protect(photo, PASSPHRASE, style="stripes:6", boxes=(40, 20, 64, 64), faces="none")
    assert [face.style for face in done.faces] == ["stripes:6"]
    assert set(np.unique(done.covers[0])) == {0, 255}
    assert [face.style for face in proface_s.inspect(done.data).faces] == ["stripes:6"]
    back = Session(threads=1).recover(done, PASSPHRASE)
    assert np.array_equal(back.recovered, photo)


def test_files_open_without_the_style() -> None:
    register_style(style())
    photo = np.full((120, 160, 3), 90, np.uint8)
    done = Session(threads=1).protect(photo, PASSPHRASE, style="stripes", boxes=(40, 20, 64, 64), faces="none")
    registry._registered.clear()
    assert [face.style for face in proface_s.inspect(done.data).faces] == ["stripes"]
    assert Session(threads=1).recover(done.data, PASSPHRASE).faces[0].outcome == "exact"


def test_capitals_do_not_matter() -> None:
    register_style(style("MyStripes"))
    assert parse_style("mystripes:4") == parse_style("MyStripes:4")


def test_the_cell_of_a_notebook_may_run_twice() -> None:
    register_style(style())
    again = register_style(style(summary="wider stripes"))
    assert get_style("stripes").summary == "wider stripes"
    assert isinstance(get_style("stripes"), again)


@pytest.mark.parametrize("name", ["blur", "solid", "Blur"])
def test_no_style_takes_the_name_of_another(name: str) -> None:
    with pytest.raises(ValueError, match="already"):
        register_style(style(name))
    register_style(style())
    with pytest.raises(ValueError, match="already"):
        register_style(style(__module__="elsewhere"))
    assert get_style("blur").summary != "black and white stripes"


@pytest.mark.parametrize("name", ["", "two words", "a:b", "a@b", "x" * 28, "ü", "3d", 7])
def test_unusable_names_are_refused_at_once(name: Any) -> None:
    with pytest.raises(ValueError, match="not a valid style name"):
        register_style(style(name))


def test_what_is_no_style_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match=r"lacks .*apply"):
        register_style(type("Nothing", (), {"name": "nothing"}))


@pytest.mark.parametrize(
    "made", [np.zeros((4, 4, 3), np.uint8), np.zeros((64, 64, 3), np.float32), np.zeros((64, 64), np.uint8), None, "x"]
)
def test_a_cover_of_another_shape_or_type_is_refused(made: Any) -> None:
    register_style(style(fill=lambda *_: made))
    photo = np.full((120, 160, 3), 90, np.uint8)
    with pytest.raises(UsageError, match=r"style 'stripes' made .* of a face that is uint8"):
        Session(threads=1).protect(photo, PASSPHRASE, style="stripes", boxes=(40, 20, 64, 64), faces="none")


CODE = """
import numpy as np
from proface_s.covers import CoverStyle, Unit

class Stripes(CoverStyle):
    name, summary = "stripes", "black and white stripes"
    unit, default_strength, strength_range = Unit("stripes across the box"), 8.0, (2.0, 64.0)

    def fill(self, region, strength, option):
        return np.full_like(region.pixels, 7)
"""


def test_an_installed_package_offers_styles_to_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "my_covers.py").write_text(CODE)
    about = tmp_path / "my_covers-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-covers\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[proface_s.covers]\nstripes = my_covers:Stripes\nbroken = my_covers:Missing\n"
    )
    environment = {
        "PYTHONPATH": f"{tmp_path}:{Path(proface_s.__file__).parents[1]}",
        "PROFACE_PASSPHRASE": PASSPHRASE,
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
    }
    code = (
        "import sys\nimport numpy as np\nfrom PIL import Image\nfrom proface_s.cli.main import main\n"
        "Image.fromarray(np.full((120, 160, 3), 90, np.uint8)).save('a.png')\n"
        "print(main(['styles']), main(['styles', 'stripes']), main(['styles', 'broken']))\n"
        "print(main(['protect', 'a.png', '--style', 'stripes:4', '--faces', 'none', '--box', '40,20,64,64']))\n"
        "print(main(['inspect', 'a.protected.png']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert "stripes: black and white stripes" in done.stdout
    assert "0 0 2" in done.stdout, done.stderr
    assert "stripes:4" in done.stdout.splitlines()[-2]
    assert "warning: style 'broken' of my-covers cannot be used" in done.stderr
