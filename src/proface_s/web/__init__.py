"""A page for people who do not use a command line, and the small REST API behind it: ``proface serve``.

::

    browser ── guard (Host, Origin, token) ── patience (slow readers) ── routes
                                                                            │  form, read into memory with a deadline
                                                                            ▼
                                                          pool: few workers, few places to wait, else 503
                                                                            │  progress
                                                                            ▼
                                                          answer: a picture, or a stream of JSON lines

Nothing is written to disk, nothing is fetched, nothing of a request outlives its answer.  Needs the extra ``web``.
"""
