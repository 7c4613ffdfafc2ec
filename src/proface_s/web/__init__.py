"""``proface serve``: a page for people who do not use a command line, and the small REST API behind it.

::

    browser ── send_timeout (slow readers) ── guard (Host, Origin, token) ── app (routes)
                                                                               │  uploads: read into memory, in time
                                                                               ▼
                                            workers.job_queue: few jobs run, few wait, others get 503
                                                                               │  workers: one process per running job
                                                                               ▼
                                            responses: a picture, or a stream of JSON lines with the progress

Nothing is fetched, and nothing of a request outlives its response.  Photos are never written to disk; clips are held in
private files (`proface_s.web.clips`).  Needs the extra ``web``, and for clips ``video``.
"""
