"""``proface keygen``: a key pair, so that photos can be protected for somebody without a shared passphrase."""

from __future__ import annotations

from pathlib import Path

import click

from .. import options
from ..runner import streams


@click.command("keygen", short_help="Make a key pair to protect photos for somebody.")
@click.option("-o", "--output", type=options.PATH, metavar="FILE", help="Private key file to write, for you alone.")
@click.option("--public", type=options.PATH, metavar="FILE", help="Print the public keys of a private key file.")
@click.option("--debug", is_flag=True, hidden=True)
def command(output: Path | None, public: Path | None, debug: bool) -> int:
    """Make a key pair.

    The private key goes to FILE, or to stdout; keep it to yourself.  The public key, age1..., is for everybody
    who protects photos for you: `proface protect -r age1...`.  Keys made with age-keygen do as well.
    """
    from ...errors import UsageError
    from ...keys.keyfiles import encode_identity_file, read_identities, write_identity
    from ...keys.recipients import Identity

    if public is not None:
        if output is not None:
            raise UsageError("-o and --public cannot be given together", "--public only prints")
        loaded = read_identities(public)
        for warning in loaded.warnings:
            click.echo(f"warning: {warning}", err=True)
        for identity in loaded.identities:
            click.echo(str(identity.recipient))
        return 0
    if output is None:
        streams.check_stdout("the private key")
    identity = Identity.generate()
    if output is None:
        click.echo(encode_identity_file(identity), nl=False)
        click.echo(f"public key: {identity.recipient}", err=True)
        return 0
    write_identity(output, identity)
    click.echo(str(identity.recipient))
    click.echo(f"private key written to {output}; without it nobody opens what is protected for you", err=True)
    return 0
