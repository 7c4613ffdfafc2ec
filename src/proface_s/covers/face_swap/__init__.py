"""Another person's face in place of one in a photo, without a generative network.

::

    landmarks of the target ----- pose ---------------------------+
    donor: shape and texture ---- posed, outline of the target ---+--> warped donor
    light, contrast, sharpness, grain of the target ----------------> matched --> soft edge --> cover

The donors are synthetic people (CC0).  What a cover says of the person behind it is pose, outline, light and the tone
of the skin.
"""
