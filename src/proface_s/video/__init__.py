"""Groundwork for video: frames as arrays in, protected frames out, one after the other; and back.

::

    frames ─ tracking.tracked ─► (frame, boxes) ─ session.protect ─► ProtectedFrame(rgb, record)
                                                      │ VideoKey.face_key(stream, frame, face, box)
    (rgb, record) ─────────────────────────────── session.recover ─► rgb

* `proface_s.video.session` — `VideoSession`: one detector and one flow for a whole stream.
* `proface_s.video.keys` — `VideoKey`: a fresh key for every face of every frame.
* `proface_s.video.tracking` — boxes between detections.
* `proface_s.video.records` — `FrameRecord`: what bringing a frame back needs besides the key.

Frames must be stored without loss (FFV1, x264 or VP9 in RGB and lossless, PNG files): one lossy compression destroys
the hidden faces, and is noticed.  Files, sound and containers are not read or written here.
"""
