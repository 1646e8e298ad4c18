"""Files that are either as they were or whole: written beside, then renamed.

A full disk or a kill in the middle of a write leaves the file of before.
"""

import os
import uuid
from pathlib import Path


def write_whole(file: Path, content: bytes) -> None:
    """Make `content` the content of `file`; an `OSError` passes through and leaves what was there."""
    draft = file.with_name(f".{file.name[:100]}.{uuid.uuid4().hex}.draft")
    try:
        draft.write_bytes(content)
        os.replace(draft, file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
