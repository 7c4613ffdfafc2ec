"""Clips: video files with their faces hidden in sealed tracks.  Only this room uses PyAV, which it loads on demand.

::

    clip ─ read ─┬─ people.of_clip: who is where
                 └─ second_pass ─ hider ─┬─ plane_covers: covers, in the decoder's planes ─► write: MP4
                                         └─ areas: who owns a pixel ─ track.sealing ─► its data track, or a sidecar
    protected clip ─ track.reading: complete and in order? ─ recover ─ write ─► MP4, or the sealed original

* `proface_s.video.clip.protect`: `protect_clip`.
* `proface_s.video.clip.recover`: `recover_clip`.
* `proface_s.video.clip.manage`: `inspect_clip`, `verify_clip`, `clip_face_key`, `forget_people`, `rewrap_clip`.
* `proface_s.video.clip.track`: the bytes of the sealed track (docs/format.md, section 10).
"""
