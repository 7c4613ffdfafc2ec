"""Where the tests find what is not code: the repository, golden files and vectors."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
GOLDEN_FILES = TESTS / "golden" / "protected"
GOLDEN_VECTORS = TESTS / "golden" / "vectors"
