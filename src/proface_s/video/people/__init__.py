"""People of a clip: who is where in each frame, written to a file that can be looked at and corrected.

::

    frames ─ finding.find_people ─► People ─ file.encode_people ─► people.json ─ file.decode_people ─► People
                                      │ joined, kept, with_box: corrections
                                      ├─ sheet.draw_sheet ─► one tile for each person
                                      └─ in_frame(number) ─► boxes to cover, each with its person

One person may have several tracks: every cut ends a track, and several tracks may follow one face at a time.  Tracks of
one face are found by `merging`; the same person in two shots is joined by hand (`People.joined`).
"""
