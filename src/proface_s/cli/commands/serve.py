"""``proface serve``: the page in the browser, served from this machine to this machine."""

from __future__ import annotations

import os
import sys

import click
from click.core import ParameterSource

from ...errors import UsageError

EXTRA_HINT = 'install the extra: pip install "proface-s[web]"'
TOKEN_VARIABLE = "PROFACE_TOKEN"


@click.command("serve", short_help="Protect and recover in the browser, on this machine.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; a free one where not given.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others need --token.")
@click.option(
    "--token",
    metavar="TEXT",
    envvar=TOKEN_VARIABLE,
    show_envvar=True,
    help="What every request must carry; for other machines.",
)
@click.option("--max-upload", type=click.IntRange(1, 1024), default=64, show_default=True, help="MiB of one file.")
@click.option("--max-pixels", type=click.IntRange(1, 200), default=64, show_default=True, help="Millions, one picture.")
@click.option("--workers", type=click.IntRange(1, 16), help="Pictures at the same time; one for every two cores.")
@click.option("--debug", is_flag=True, hidden=True)
@click.pass_context
def command(
    context: click.Context,
    port: int,
    no_browser: bool,
    host: str,
    token: str | None,
    max_upload: int,
    max_pixels: int,
    workers: int | None,
    debug: bool,
) -> int:
    """Serve a page that protects, recovers and inspects photos in the browser.

    Everything happens on this machine and in its memory; the page asks no other site for anything.  Stop it with
    Ctrl-C.
    """
    try:
        from ...web.login import is_private
        from ...web.server import bind, serve, with_token
    except ModuleNotFoundError as missing:
        raise UsageError(f"the page needs {missing.name}, which is not installed", EXTRA_HINT) from None
    from ...web.settings import HELD_BYTES, LEAST_TOKEN, MIB, WORK_BYTES, ServiceSettings, bytes_needed, is_loopback

    os.environ.pop(TOKEN_VARIABLE, None)  # neither the browser nor anything else that is started needs it
    if context.get_parameter_source("token") is ParameterSource.COMMANDLINE:
        click.echo(
            f"warning: other users of this machine can read the command line; give the token in {TOKEN_VARIABLE}",
            err=True,
        )
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise UsageError(f"a token has at least {LEAST_TOKEN} plain characters", f"make one: {_FRESH}")
    local = is_loopback(host)
    if not local and token is None:
        raise UsageError(
            f"other machines can reach {host}: that needs a token",
            f"give one with --token or in {TOKEN_VARIABLE}; make one: {_FRESH}",
        )
    if not local:
        click.echo(
            "warning: photos and passphrases travel unencrypted to other machines; safer ways: docs/how-to/web.md",
            err=True,
        )
    cores = os.cpu_count() or 1
    workers = workers or max(1, min(2, cores // 2))
    size = max_upload * MIB
    settings = ServiceSettings(
        host=host,
        token=token,
        max_bytes=size,
        max_pixels=max_pixels * 1_000_000,
        workers=workers,
        held_bytes=max(6 * size, HELD_BYTES),
        work_bytes=max(bytes_needed(max_pixels * 1_000_000), WORK_BYTES),
        debug=debug,
    )

    def ready(address: str) -> None:
        private = is_private(sys.stdout)
        click.echo(f"PRO-Face S is at {with_token(address, settings) if private else address}")
        if token is not None and not private:
            click.echo("the token is not printed here, because others can read where this goes", err=True)
        click.echo("stop it with Ctrl-C", err=True)

    try:
        serve(
            settings,
            bind(host, port),
            threads=0 if workers == 1 else max(1, cores // workers),
            open_browser=not no_browser,
            ready=ready,
        )
    except KeyboardInterrupt:
        click.echo("", err=True)
    return 0


_FRESH = 'python -c "import secrets; print(secrets.token_urlsafe())"'
