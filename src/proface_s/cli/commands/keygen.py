"""``proface keygen``: make a key pair, to protect photos for somebody without a shared passphrase."""

from __future__ import annotations

from pathlib import Path

import click

from ...hints import hinted
from ..options.common import hidden_debug
from ..options.types import PATH
from ..runner.stdio import require_stdout


@click.command("keygen", short_help="Make a key pair, so that others can protect photos for you.")
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Write the private key to this file.")
@click.option("--public", type=PATH, metavar="FILE", help="Print the public keys of this private key file.")
@hidden_debug
def command(output: Path | None, public: Path | None, debug: bool) -> int:
    """Make a key pair.

    The private key goes to FILE, or to stdout; keep it secret.  The public key, age1..., is for everybody who protects
    photos for you: `proface protect -r age1...`.  Keys made with age-keygen work too.
    """
    from ...errors import UsageError
    from ...keys.keyfiles import encode_identity_file, read_identities, write_identity
    from ...keys.recipients import Identity

    if public is not None:
        if output is not None:
            raise hinted(UsageError("-o and --public cannot be given together"), "--public only prints")
        loaded = read_identities(public)
        for warning in loaded.warnings:
            click.echo(f"warning: {warning}", err=True)
        for identity in loaded.identities:
            click.echo(str(identity.recipient))
        return 0
    if output is None:
        require_stdout("the private key")
    identity = Identity.generate()
    if output is None:
        click.echo(encode_identity_file(identity), nl=False)
        click.echo(f"public key: {identity.recipient}", err=True)
        return 0
    write_identity(output, identity)
    click.echo(str(identity.recipient))
    click.echo(f"private key written to {output}; without it nobody can open what is protected for you", err=True)
    return 0
