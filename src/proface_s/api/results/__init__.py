"""Results of the API: plain frozen dataclasses.

Their ``repr`` is one line, without pixels and without keys.  A notebook shows tables, and of a protected photo its
plain covers: nothing hidden or recovered gets into a notebook's file unless somebody puts it there.
"""
