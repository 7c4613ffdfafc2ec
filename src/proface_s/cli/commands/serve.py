"""``proface serve``: serve the page in the browser, by default to this machine only."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ...errors import UsageError, missing_package
from ...hints import hinted
from ..options.common import hidden_debug

if TYPE_CHECKING:
    from ...web.settings import ClipLimits, ServiceSettings

TOKEN_VARIABLE = "PROFACE_TOKEN"
_MAKE_TOKEN = 'python -c "import secrets; print(secrets.token_urlsafe())"'


@click.command("serve", short_help="Protect and recover in the browser, on this machine.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; 0 for any free port.")
@click.option("--no-browser", is_flag=True, help="Do not open the page in a browser.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others need --token.")
@click.option(
    "--token",
    metavar="TEXT",
    envvar=TOKEN_VARIABLE,
    show_envvar=True,
    help="Secret that every request must carry.",
)
@click.option("--max-upload", type=click.IntRange(1, 1024), default=64, show_default=True, help="MiB of a file.")
@click.option(
    "--max-pixels", type=click.IntRange(1, 200), default=64, show_default=True, help="Megapixels of a picture."
)
@click.option(
    "--max-clip-upload", type=click.IntRange(1, 65536), default=1024, show_default=True, help="MiB of a clip."
)
@click.option(
    "--max-clip-minutes", type=click.IntRange(1, 1440), default=10, show_default=True, help="Length of a clip."
)
@click.option(
    "--max-clip-pixels",
    type=click.IntRange(1, 10_000),
    default=40,
    show_default=True,
    help="Billions of pixels in all frames of a clip; ten minutes of full HD are 37.",
)
@click.option("--max-clips", type=click.IntRange(1, 100), default=4, show_default=True, help="Clips held at a time.")
@click.option("--workers", type=click.IntRange(1, 16), help="Pictures to work on at the same time.")
@hidden_debug
@click.pass_context
def command(
    context: click.Context,
    port: int,
    no_browser: bool,
    host: str,
    token: str | None,
    max_upload: int,
    max_pixels: int,
    max_clip_upload: int,
    max_clip_minutes: int,
    max_clip_pixels: int,
    max_clips: int,
    workers: int | None,
    debug: bool,
) -> int:
    """Serve a page that protects, recovers and inspects photos and clips in the browser.

    All work is done on this machine: on photos in its memory, on clips in private files, which are removed when the
    page is closed.  The page loads nothing from other sites.  Stop it with Ctrl-C.
    """
    try:
        from ...web.login import is_private
        from ...web.server import bind, serve, with_token
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"the page needs {missing_package(missing)}, which is not installed", code="missing-extra", extra="web"
        ) from None
    from ...processes import threads_per_process

    os.environ.pop(TOKEN_VARIABLE, None)  # no process that is started needs it, not even the browser
    if context.get_parameter_source("token") is ParameterSource.COMMANDLINE:
        click.echo(
            f"warning: other users of this machine can read the command line; give the token in {TOKEN_VARIABLE}",
            err=True,
        )
    _check_access(host, token)
    workers = workers or max(1, min(2, (os.cpu_count() or 1) // 2))
    clips = _clip_limits(max_clip_upload, max_clip_minutes, max_clip_pixels, max_clips)
    settings = _settings(host, token, max_upload, max_pixels, workers, clips, debug)

    def ready(address: str) -> None:
        private = is_private(sys.stdout)
        click.echo(f"PRO-Face S is at {with_token(address, settings) if private else address}")
        if token is not None and not private:
            click.echo("the token is not printed, because others can read this output", err=True)
        click.echo("stop it with Ctrl-C", err=True)

    try:
        serve(
            settings,
            bind(host, port),
            threads=threads_per_process(0, workers),
            open_browser=not no_browser,
            ready=ready,
        )
    except KeyboardInterrupt:
        click.echo("", err=True)
    return 0


def _check_access(host: str, token: str | None) -> None:
    """Refuse a weak token, and an address that other machines can reach without one.

    Raises:
        UsageError: says how to make a token.
    """
    from ...web.settings import LEAST_TOKEN, is_loopback

    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise hinted(
            UsageError(f"a token needs at least {LEAST_TOKEN} printable ASCII characters"), f"make one: {_MAKE_TOKEN}"
        )
    if is_loopback(host):
        return
    if token is None:
        raise hinted(
            UsageError(f"other machines can reach {host}: that needs a token"),
            f"give one with --token or in {TOKEN_VARIABLE}; make one: {_MAKE_TOKEN}",
        )
    click.echo(
        "warning: photos and passphrases travel unencrypted to other machines; docs/how-to/web.md has safer ways",
        err=True,
    )


def _clip_limits(upload: int, minutes: int, pixels: int, held: int) -> ClipLimits:
    """Return the limits on clips."""
    from ...web.settings import MIB, ClipLimits

    return ClipLimits(max_bytes=upload * MIB, max_seconds=60 * minutes, max_pixels=pixels * 10**9, held=held)


def _settings(
    host: str, token: str | None, max_upload: int, max_pixels: int, workers: int, clips: ClipLimits, debug: bool
) -> ServiceSettings:
    """Return the settings of the service, with memory in proportion to the largest file and picture."""
    from ...web.settings import HELD_BYTES, MIB, WORK_BYTES, ServiceSettings, bytes_needed

    size = max_upload * MIB
    return ServiceSettings(
        host=host,
        token=token,
        max_bytes=size,
        max_pixels=max_pixels * 1_000_000,
        workers=workers,
        held_bytes=max(6 * size, HELD_BYTES),
        work_bytes=max(bytes_needed(max_pixels * 1_000_000), WORK_BYTES),
        clips=clips,
        debug=debug,
    )
