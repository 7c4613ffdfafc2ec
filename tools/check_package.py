"""Check the wheel and the source archive, and use the wheel as somebody would who has nothing else.

    python -m build --outdir dist && python tools/check_package.py dist

Installs the wheel in a fresh environment outside the checkout, and protects and recovers a portrait there with the
console script: every face of the recovered picture must be exact.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import Final

from PIL import Image
from skimage import data

WHEEL_BYTES: Final = 13_900_000
"""The wheel has 13.3 MB now: 3.9 MB of them are the two modes of the published network, 3.8 MB bases and network of
the face codec for share copies, 3.4 MB the network centerface, which finds faces, most of them in half precision,
and 1.5 MB the network for landmarks, the stickers and the donors of `swap`.
Raise this only in the commit that explains what became larger; it must stay under 16 MB."""
ARCHIVE_BYTES: Final = 15_800_000
"""The source archive has 15.4 MB now, these networks included; 0.7 MB more than before are golden share copies and
clips, pictures of the documentation, and the rooms for clips.  older-models is a package of its own."""
NEEDED: Final = (
    "/py.typed",
    "/weights/secure-2/luma-even.onnx",
    "/weights/secure-3/frequencies.bin",
    "/engines/centerface.onnx",
    "/eff_large_wordlist.txt",
    "/covers/heads/face-landmarks.onnx",
    "/covers/stickers/panda.webp",
    "/covers/face_swap/donors.webp",
    "/covers/face_swap/donors.npz",
    "/robust/face_codec/bases.npz",
    "/robust/face_codec/restorer.onnx",
    "/web/static/index.html",
)
SCRATCH: Final = (".pt", ".pkl", ".npy", ".log", ".tmp")
"""Endings of what belongs to the repository alone, and of what somebody left behind."""
PASSPHRASE: Final = "a checked package is no secret"


def check_wheel(wheel: Path) -> None:
    """Exit with a message unless the wheel is small and holds the package, its data and its licence, and no more."""
    names = zipfile.ZipFile(wheel).namelist()
    size = wheel.stat().st_size
    if size > WHEEL_BYTES:
        sys.exit(f"{wheel.name} has {size:,} bytes, more than {WHEEL_BYTES:,}: see WHEEL_BYTES in {__file__}")
    if missing := [end for end in NEEDED if not any(name.endswith(end) for name in names)]:
        sys.exit(f"{wheel.name} lacks {', '.join(missing)}")
    if strange := [name for name in names if not name.startswith("proface_")]:
        sys.exit(f"{wheel.name} holds {', '.join(strange)}")
    if not [name for name in names if name.endswith("licenses/LICENSE")]:
        sys.exit(f"{wheel.name} has no licence")
    print(f"{wheel.name}: {size:,} bytes, {len(names)} files")


def check_archive(archive: Path) -> None:
    """Exit with a message if the source archive is large, or holds weights and pictures of the repository."""
    with tarfile.open(archive) as opened:
        names = [name.partition("/")[2] for name in opened.getnames()]
    size = archive.stat().st_size
    if size > ARCHIVE_BYTES:
        sys.exit(f"{archive.name} has {size:,} bytes, more than {ARCHIVE_BYTES:,}")
    if strange := [name for name in names if name.endswith(SCRATCH) or name.startswith("docs/screenshots/")]:
        sys.exit(f"{archive.name} holds {', '.join(strange)}")
    print(f"{archive.name}: {size:,} bytes, {len(names)} files")


def use(wheel: Path, folder: Path) -> None:
    """Install a wheel into an environment of its own, and protect and recover a portrait with it."""
    venv.create(folder / "environment", with_pip=True)
    scripts = folder / "environment" / ("Scripts" if os.name == "nt" else "bin")
    python, program = scripts / "python", scripts / "proface"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel.resolve()], check=True)
    work = folder / "photos"
    work.mkdir()
    portrait = Image.fromarray(data.astronaut()[:300, 60:400])
    portrait.save(work / "portrait.png")

    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE", "PROFACE"))
    }

    def proface(*arguments: str) -> str:
        environment = clean | {"PROFACE_PASSPHRASE": PASSPHRASE}
        done = subprocess.run([program, *arguments], cwd=work, env=environment, capture_output=True, text=True)
        print("$ proface", *arguments)
        if done.returncode:
            sys.exit(f"exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    print(proface("--version").strip())
    proface("protect", "portrait.png")
    found = json.loads(proface("inspect", "portrait.protected.png", "--json"))
    print(f"faces found and protected: {len(found['faces'])}")
    proface("recover", "portrait.protected.png")
    with (
        Image.open(work / "portrait.protected.png") as covered,
        Image.open(work / "portrait.recovered.png") as recovered,
    ):
        if not found["faces"] or covered.convert("RGB").tobytes() == portrait.tobytes():
            sys.exit("nothing was protected")
        if recovered.convert("RGB").tobytes() != portrait.tobytes():
            sys.exit("the recovered picture is not the original")
    print("the recovered picture is the original, pixel for pixel")


def main() -> None:
    """Check every wheel and archive of a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what `python -m build` wrote")
    folder = parser.parse_args().folder
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    check_wheel(wheel)
    check_archive(archive)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        use(wheel, Path(temporary))


if __name__ == "__main__":
    main()
