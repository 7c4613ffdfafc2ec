"""JPEG files as quantised coefficients: read and written without a loss, and changed in whole MCUs.

* `picture` — `JpegPicture`: coefficients, tables, sampling and what else a rewritten file keeps.
* `read_coefficients`, `write_coefficients` — `read_jpeg` / `write_jpeg`, inverses of one another.
* `scans` — `ScanCoder`: the Huffman-coded scans, in a WebAssembly module (tools/jpeg_scans has its source).
* `markers` — segments of a file on their way in and out.
* `geometry` — boxes of the upright picture and MCUs of the stored one.
* `transform` — pixels to coefficients, with the file's own tables.
* `coefficient_code` — lossless code of a region's coefficients.

Source: ITU-T T.81 (JPEG), T.871 (JFIF), T.872 (Adobe's APP14).
"""
