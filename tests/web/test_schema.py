"""The description of the API, and what schemathesis makes of it: nothing that it sends ends in a 5xx."""

from __future__ import annotations

from typing import Any

import pytest
from web_kit import PATIENCE, Service, drawn

schemathesis = pytest.importorskip("schemathesis", reason="pip install 'proface-s[webtest]'")
hypothesis = pytest.importorskip("hypothesis")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # warnings are the tool's own


PATHS = {
    "/api/about": "GET",
    "/api/passphrase": "POST",
    "/api/detect": "POST",
    "/api/people": "POST",
    "/api/held/{name}": "GET",
    "/api/inspect": "POST",
    "/api/render": "POST",
    "/api/preview": "POST",
    "/api/protect": "POST",
    "/api/recover": "POST",
}
QUESTIONS = ("/api/about", "/api/passphrase", "/api/held/{name}")  # nothing is sent with them that could be wrong
Mode = schemathesis.GenerationMode
CHECKS = pytest.importorskip("schemathesis.checks")


@pytest.fixture(scope="session")
def schema(service: Service) -> Any:
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json")


def check(schema: Any, path: str, mode: Any, photo: bytes | None) -> None:
    """Send what fits, or does not fit, the description; a given photo takes the place of random bytes."""
    checks = [
        CHECKS.not_a_server_error,
        CHECKS.status_code_conformance,
        CHECKS.content_type_conformance,
        CHECKS.response_schema_conformance,
    ]

    @hypothesis.settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=schema[path][PATHS[path]].as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        if photo is not None and isinstance(case.body, dict) and "photo" in case.body:
            case.body["photo"] = photo
        case.call_and_validate(checks=checks, timeout=PATIENCE)

    send()


@pytest.mark.parametrize("path", PATHS)
def test_what_fits_the_description_is_answered_as_described(schema: Any, path: str) -> None:
    check(schema, path, Mode.POSITIVE, None)


@pytest.mark.parametrize("path", [path for path in PATHS if path not in QUESTIONS])
def test_what_does_not_fit_is_no_server_error(schema: Any, path: str) -> None:
    check(schema, path, Mode.NEGATIVE, None)


@pytest.mark.parametrize("mode", [Mode.POSITIVE, Mode.NEGATIVE])
@pytest.mark.parametrize("path", ["/api/preview", "/api/protect", "/api/recover"])
def test_options_beside_a_picture_that_can_be_used(schema: Any, path: str, mode: Any, covered: bytes) -> None:
    check(schema, path, mode, covered if path == "/api/recover" else drawn())


def test_every_path_is_described_and_no_other_origin_is_named(service: Service) -> None:
    description = service.client.get("/openapi.json").json()
    assert set(description["paths"]) == set(PATHS)
    schemas = description["components"]["schemas"]
    assert {"Problem", "ProtectRequest", "RecoverRequest", "PreviewRequest"} <= set(schemas)
    assert {"PeopleRequest", "HeldRequest", "ClipProtectRequest", "ClipRecoverRequest"} <= set(schemas)
    assert "http" not in str(schemas)
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert service.client.get(path).status_code == 404
