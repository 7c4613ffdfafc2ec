"""Groundwork for video: protects the frames of a stream one after the other, and recovers them.

::

    frames ─ tracked_arrays.tracked ─► (frame, boxes) ─ session.protect ─► ProtectedFrame(rgb, record)
                                                            │ VideoKey.face_key(stream, frame, face, box)
    (rgb, record) ───────────────────────────────────── session.recover ─► rgb

* `proface_s.video.session` — `VideoSession`: one detector and one flow for a whole stream.
* `proface_s.video.keys` — `VideoKey`: a fresh key for every face of every frame.
* `proface_s.video.tracking` — `Tracker`: the boxes of every frame, from detections in some of them and optical flow.
  It works with `lookout` and `look_schedule` (what the detector sees, and where it looks), `motion` (optical flow),
  `linking` (who is who), `tracks` (one face over time) and `scenes` (cuts).
* `proface_s.video.records` — `FrameRecord`: the data, besides the key, that recovers a frame.

Frames must be stored without loss (FFV1, x264 or VP9 in RGB and lossless, PNG files): one lossy compression destroys
the hidden faces, and is detected.  For files, which are compressed and have sound, there is `proface_s.video.clip`,
which hides nothing in pixels.
"""
