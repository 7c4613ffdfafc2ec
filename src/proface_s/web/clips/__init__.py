"""Clips in the service: held in private files while their client is there, and worked on one at a time.

::

    upload ──► held_files: a folder for each file, mode 0700 ──► workers: find people, protect, recover, inspect
                  │                                                       │
                  └── removed when nobody uses it any more ◄── clip_response ◄── facts, and the name of a held file
"""
