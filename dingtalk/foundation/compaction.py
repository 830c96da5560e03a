"""
Making stored bytes smaller.

What DingTalk pushes repeats itself: a hundred rows of JSON shrink to a tenth and less. A database writes
each byte several times (log, page, copy), so that packing costs far less than it saves.
"""

import threading

import zstandard

# An ordinary event is shorter: packing it would take as long as writing what it saves.
_LEAST_BYTES = 2_048
_LEVEL = 1
# Nothing of ours is longer, so a length beyond it is damage.
_MOST_BYTES = 1 << 26

# One for all threads: each would take a megabyte, and none is at work for longer than some microseconds.
_compressor = zstandard.ZstdCompressor(level=_LEVEL)
_turn = threading.Lock()


def compact(plain: bytes) -> bytes:
    """Return the bytes packed, or as they are where packing does not help; `expand` knows which."""
    is_like_packed = plain.startswith(zstandard.FRAME_HEADER)
    if len(plain) < _LEAST_BYTES and not is_like_packed:
        return plain
    with _turn:
        packed = _compressor.compress(plain)
    return packed if len(packed) < len(plain) or is_like_packed else plain


def expand(stored: bytes) -> bytes:
    """Return what was given to `compact`; raises ValueError for what it never returned."""
    if not stored.startswith(zstandard.FRAME_HEADER):
        return stored
    try:
        return zstandard.ZstdDecompressor().decompress(stored, max_output_size=_MOST_BYTES)
    except zstandard.ZstdError as error:
        raise ValueError("the packed bytes are damaged") from error
