"""The command line: one file per command, over `proface_s.api`.

::

    main ── LazyGroup ──► protect | recover | inspect | detect | styles      (each imported when it is called)
                             │
               plan: arguments -> [Task(source, target)]      checked before anything is asked or written
                             │
         passphrase: prompt, file, descriptor or environment
                             │
               batch: Task -> Report, one after the other ──► output: lines on stderr, JSON on stdout
                             │
                       failure: error -> lines and exit code

`main` and the commands load nothing but click when they are imported; everything else is loaded by the
command that needs it: ``proface --help`` answers at once.
"""
