"""A reader of protected files, written from ``docs/`` alone: it imports nothing of the program (one test does).

Where the program and this reader disagree, the documents decide; where these are silent, they are at fault.  It needs
numpy, cryptography and Pillow, and PyAV to decode clips.  `reading.read` is the reader.

================================  =======================================================
``reading``                       everything in order: a file and keys in, a picture out
``outcomes``                      the classes of results, as words
``container.carriers``            PNG, WebP, TIFF: header, seals and pixels of a file; sidecars
``container.fields``              reading fields one after the other; stanzas, boxes
``container.header``              the header: fields, rules, MAC input
``container.extensions``          footprints, reserved samples, coefficients, clips
``container.coefficient_areas``   areas of a JPEG file, and the boxes that they show
``container.areas``               what the header says of pixels: digests, alpha, edges
``container.records``             records in the lowest bits: search, correction, fields
``container.reed_solomon``        correction of their code words
``container.seals``               opening a seal
``clips.mp4``                     samples of the tracks of an MP4 file
``clips.tables``                  packets, tables and the list of a sealed track
``clips.opening``                 opening it, owners, putting people back
``jpeg.segments``                 marker segments, and the chain of APP11
``jpeg.entropy``                  Huffman codes, sequential and progressive scans
``jpeg.frame``                    a JPEG file as coefficients, and their digests
``jpeg.coefficient_code``         the code of coefficients in a seal
``jpeg.opening``                  header and seals of a JPEG file
``keys.derivations``              derivations and wrapping
``keys.text``                     identities and face keys as text
``keys.unlock``                   which faces the given keys open
``flow.words``                    samples of a region to 32-bit words
``flow.coder``                    words to symbols
``flow.model_files``              the networks and tables of a model
``flow.planes``                   roundings, input planes, merging, colours
``flow.estimate``                 symbols to the estimate
================================  =======================================================
"""
