"""Options that several commands share, and the types of their values.

* `proface_s.cli.options.types` — text from the command line -> `Box`, `Style`, numbers of faces, paths.
* `proface_s.cli.options.common` — what to read and write, how to report.
* `proface_s.cli.options.keys` — passphrases, recipients, identities, face keys.
* `proface_s.cli.options.engine` — ``--engine`` of `protect`.

Related options are bundled: a command gets one dataclass for them.  Importing this package loads click alone.
"""
