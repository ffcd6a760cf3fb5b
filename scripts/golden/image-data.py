"""Small image files and what Pillow makes of them, read by the tests of @ahpa/image-data.

Needs: pillow, numpy (pip); with the development data beside the checkout, also hashes of crops of real photographs.
Run from the repository root: python scripts/golden/image-data.py
"""

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "packages/image-data/test/golden"
PHOTOS = ROOT.parent / "shared/data/imagenet-samples-200.zip"


def center_crop(image, size):
    """ADM's crop."""
    while min(*image.size) >= 2 * size:
        image = image.resize(tuple(x // 2 for x in image.size), resample=Image.BOX)
    scale = size / min(*image.size)
    image = image.resize(tuple(round(x * scale) for x in image.size), resample=Image.BICUBIC)
    pixels = np.array(image)
    top, left = (pixels.shape[0] - size) // 2, (pixels.shape[1] - size) // 2
    return pixels[top : top + size, left : left + size]


def text(data):
    return base64.b64encode(bytes(data)).decode()


def picture(width, height, channels=3):
    rng = np.random.default_rng(width * 1000 + height)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 3 + k) * np.cos(y / 5 - k) * 90 + 128 for k in range(channels)]
    return np.clip(np.stack(waves, -1) + rng.normal(0, 25, (height, width, channels)), 0, 255).astype(np.uint8)


def crops():
    # Up to twice as tall as wide: beyond that, Pillow 13 resizes vertically first, and older ones did not.
    for width, height, size in [(37, 29, 12), (29, 57, 16), (12, 12, 12), (9, 7, 16), (80, 40, 20), (25, 49, 12)]:
        pixels = picture(width, height)
        crop = center_crop(Image.fromarray(pixels), size)
        yield {"width": width, "height": height, "size": size, "pixels": text(pixels.tobytes()), "crop": text(crop.tobytes())}


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def files():
    rgb = Image.fromarray(picture(16, 12))
    exif = Image.Exif()
    exif[0x0112] = 6
    alpha = np.concatenate([picture(16, 12), picture(12, 16, 1).reshape(12, 16, 1)], -1)
    grey16 = (picture(16, 12, 1)[..., 0].astype(np.uint16) * 257).astype(np.uint16)
    laid = Image.new("RGBA", (16, 12), "white")
    laid.alpha_composite(Image.fromarray(alpha, "RGBA"))
    yield "jpeg", saved(rgb, "JPEG", quality=90), None, []
    yield "subsampled", saved(rgb, "JPEG", quality=75, subsampling=2, progressive=True), None, []
    yield "turned", saved(rgb, "JPEG", quality=90, exif=exif), ImageOps.exif_transpose, ["turned as EXIF says"]
    yield "grey", saved(rgb.convert("L"), "JPEG", quality=90), None, ["greyscale"]
    yield "palette", saved(rgb.quantize(16), "PNG"), None, []
    yield "grey16", saved(Image.fromarray(grey16), "PNG"), lambda _: Image.fromarray((grey16 >> 8).astype(np.uint8)), ["greyscale", "16 bits"]
    yield "alpha", saved(Image.fromarray(alpha, "RGBA"), "PNG"), lambda _: laid, ["transparent, laid on white"]
    yield "cmyk", saved(rgb.convert("CMYK"), "JPEG", quality=95), None, ["CMYK"]


def decoded():
    for name, data, prepare, remarks in files():
        image = Image.open(io.BytesIO(data))
        image = (prepare(image) if prepare else image).convert("RGB")
        pixels = center_crop(image, 8)
        yield {"name": name, "file": text(data), "pixels": text(pixels.tobytes()), "remarks": remarks}


def photographs():
    if not PHOTOS.exists():
        return json.loads((OUT / "photographs.json").read_text())
    with zipfile.ZipFile(PHOTOS) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".JPEG"))[::20]
        images = {name: Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names}
    digest = lambda image, size: hashlib.sha256(center_crop(image, size).tobytes()).hexdigest()
    return {name: {str(size): digest(image, size) for size in (64, 256)} for name, image in images.items()}


OUT.mkdir(parents=True, exist_ok=True)
photos = photographs()
for name, value in {"crops": list(crops()), "files": list(decoded()), "photographs": photos}.items():
    (OUT / f"{name}.json").write_text(json.dumps(value) + "\n")
