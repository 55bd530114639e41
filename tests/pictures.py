"""Two pictures alike, as far as an eye can tell."""
import base64
import io

import numpy as np
from PIL import Image

CLEARLY = 64        # of 255 in one channel: more than the step to 256 colours ever changes
SHARE = 0.0005      # of the pixels


def pngs(outputs):
    return [output["data"]["image/png"]
            for output in outputs if "image/png" in output.get("data", {})]


def difference(stored, drawn):
    """What differs between two lists of base64 PNGs, as a sentence; None where nothing does."""
    if len(stored) != len(drawn):
        return f"{len(stored)} stored, {len(drawn)} drawn now"
    for number, pair in enumerate(zip(stored, drawn), 1):
        old, new = (np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"))
                    for png in pair)
        if old.shape != new.shape:
            return f"picture {number} changed its size from {old.shape[:2]} to {new.shape[:2]}"
        changed = ((np.maximum(old, new) - np.minimum(old, new)).max(-1) > CLEARLY).mean()
        if changed > SHARE:
            return f"{changed:.2%} of the pixels of picture {number} differ clearly"
    return None
