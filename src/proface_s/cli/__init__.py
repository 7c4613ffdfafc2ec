"""The command line: one module per command, over `proface_s.api`.

::

    main ──► commands/protect  (each command is imported when it is called)
                  │
                  ├── options/              text -> Box, Style, ProtectOptions
                  ├── runner/plan           inputs -> [FileTask(source, target)], checked before anything is written
                  ├── runner/keys           passphrase from a prompt, file, descriptor or the environment
                  ▼
             runner/run ──► runner/protect_task ──► api/protection/protect_file
                  │
                  ├──► runner/report        lines on stderr, JSON on stdout
                  └──► runner/errors        error -> lines and exit code

`main` and the commands load nothing but click when they are imported; everything else is loaded by the command that
needs it, so that ``proface --help`` answers at once.
"""
