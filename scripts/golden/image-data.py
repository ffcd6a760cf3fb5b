"""Small image files and what Pillow makes of them, read by the tests of @ahpa/image-data.

Needs: pillow, numpy (pip); with the development data beside the checkout, also hashes of crops of real photographs.
Run from the repository root: python scripts/golden/image-data.py
"""

import base64
import hashlib
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "packages/image-data/test/golden"
PHOTOS = ROOT.parent / "shared/data/imagenet-samples-200.zip"


def resize(image, size, resample):
    """Pillow's resize, horizontally first: since version 13 it begins vertically where an image is more than twice as tall as wide."""
    return image.resize((size[0], image.height), resample=resample).resize(size, resample=resample)


def center_crop(image, size):
    """ADM's crop."""
    while min(*image.size) >= 2 * size:
        image = resize(image, tuple(x // 2 for x in image.size), Image.BOX)
    scale = size / min(*image.size)
    image = resize(image, tuple(round(x * scale) for x in image.size), Image.BICUBIC)
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
    sizes = [(37, 29, 12), (29, 57, 16), (12, 12, 12), (9, 7, 16), (80, 40, 20), (25, 49, 12)]
    strips = [(3000, 1, 64), (1, 3000, 64), (700, 3, 16), (3, 700, 16), (401, 37, 16), (37, 401, 16), (2, 1, 1)]
    for width, height, size in sizes + strips:
        pixels = picture(width, height)
        crop = center_crop(Image.fromarray(pixels), size)
        yield {"width": width, "height": height, "size": size, "pixels": text(pixels.tobytes()), "crop": text(crop.tobytes())}


def strips():
    """Crops of strips of 60,000 pixels; byte i of the image is 31 i**2 modulo 251."""
    pixels = (31 * np.arange(180_000, dtype=np.int64) ** 2 % 251).astype(np.uint8)
    for width, height in [(60_000, 1), (1, 60_000)]:
        crop = center_crop(Image.fromarray(pixels.reshape(height, width, 3)), 64)
        yield {"width": width, "height": height, "size": 64, "crop": text(crop.tobytes())}


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def wide_png(samples, colour):
    """A PNG file of 16-bit samples, which Pillow reads and does not write; colour type 2 is RGB, 4 grey and alpha, 6 RGBA."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def adobe_rgb():
    """A profile with the primaries and gamma of Adobe RGB (1998), after the ICC's specification."""
    fixed = lambda *values: b"".join(struct.pack(">i", round(value * 65536)) for value in values)
    text = b"wide colours\0"
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1.0, 0.8249),
        b"rXYZ": b"XYZ \0\0\0\0" + fixed(0.60974, 0.31111, 0.01947),
        b"gXYZ": b"XYZ \0\0\0\0" + fixed(0.20528, 0.62567, 0.06087),
        b"bXYZ": b"XYZ \0\0\0\0" + fixed(0.14919, 0.06322, 0.74457),
    }
    tags |= {name: b"curv" + struct.pack(">IIH", 0, 1, 563) for name in (b"rTRC", b"gTRC", b"bTRC")}
    begin, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, begin + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = struct.pack(">I", begin + len(body))
    header = size + bytes(4) + b"\x02\x10\0\0mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return header + bytes(128 - len(header)) + table + body


def files():
    """Files by name, and the remarks that are made about them."""
    rgb = Image.fromarray(picture(16, 12))
    wide = adobe_rgb()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    managed = ImageCms.profileToProfile(rgb, ImageCms.ImageCmsProfile(io.BytesIO(wide)), ImageCms.createProfile("sRGB"))
    assert np.abs(np.asarray(managed).astype(int) - np.asarray(rgb)).max() > 20
    alpha = np.concatenate([picture(16, 12), picture(12, 16, 1).reshape(12, 16, 1)], -1)
    grey16 = (picture(16, 12, 1)[..., 0].astype(np.uint16) * 257).astype(np.uint16)
    few = rgb.quantize(16)
    cmyk = Image.fromarray(np.concatenate([picture(16, 12), picture(12, 16, 1).reshape(12, 16, 1) // 2], -1), "CMYK")
    inks = saved(cmyk, "JPEG", quality=95)
    marker = inks.index(b"\xff\xee\0\x0eAdobe")
    wide_alpha = np.random.default_rng(5).integers(0, 65536, (12, 16, 4))
    yield "jpeg", saved(rgb, "JPEG", quality=90), []
    yield "subsampled", saved(rgb, "JPEG", quality=75, subsampling=2, progressive=True), []
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        remarks = ["EXIF orientation not applied"] if orientation > 1 else []
        yield f"orientation {orientation}", saved(rgb, "JPEG", quality=90, exif=exif), remarks
        if orientation == 6:
            yield "orientation 6, PNG", saved(rgb, "PNG", exif=exif), remarks
            yield "orientation 6, WebP", saved(rgb, "WEBP", lossless=True, exif=exif), remarks
            yield "orientation 6, TIFF", saved(rgb, "TIFF", exif=exif), []
    yield "sRGB profile", saved(rgb, "JPEG", quality=90, icc_profile=srgb), ["colour profile not applied"]
    yield "wide profile, JPEG", saved(rgb, "JPEG", quality=90, icc_profile=wide), ["colour profile not applied"]
    yield "wide profile, PNG", saved(rgb, "PNG", icc_profile=wide), ["colour profile not applied"]
    yield "grey", saved(rgb.convert("L"), "JPEG", quality=90), ["greyscale"]
    yield "black and white", saved(rgb.convert("1"), "PNG"), ["greyscale"]
    yield "palette", saved(few, "PNG"), []
    yield "transparent palette", saved(few, "PNG", transparency=3), ["alpha dropped"]
    yield "grey16", saved(Image.fromarray(grey16 // 80), "PNG"), ["greyscale", "16 bits"]
    yield "rgb16", wide_png(wide_alpha[..., :3], 2), ["16 bits"]
    yield "grey and alpha, 16 bits", wide_png(wide_alpha[..., :2], 4), ["greyscale", "16 bits", "alpha dropped"]
    yield "rgba16", wide_png(wide_alpha, 6), ["16 bits", "alpha dropped"]
    yield "alpha", saved(Image.fromarray(alpha, "RGBA"), "PNG"), ["alpha dropped"]
    yield "grey and alpha", saved(Image.fromarray(alpha[..., 2:], "LA"), "PNG"), ["greyscale", "alpha dropped"]
    yield "alpha, WebP", saved(Image.fromarray(alpha, "RGBA"), "WEBP", lossless=True, exact=True), ["alpha dropped"]
    yield "cmyk", inks, ["CMYK"]
    yield "cmyk without marker", inks[:marker] + inks[marker + 16 :], ["CMYK"]
    yield "cmyk, TIFF", saved(cmyk, "TIFF"), ["CMYK"]


def bitmap(bits, data, compression=0, palette=b"", masks=b"", height=3):
    """A BMP file of 4 x 3 pixels of a kind that Pillow does not write."""
    offset = 54 + len(masks) + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, 4, height, 1, bits, compression, len(data), 0, 0, len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + info + masks + palette + data


def further_files():
    """Files of formats that sharp does not read, as those of `files`."""
    rgb, rng = Image.fromarray(picture(17, 12)), np.random.default_rng(7)
    grey, few = rgb.convert("L"), rgb.quantize(16)
    alpha = Image.fromarray(picture(17, 12, 4), "RGBA")
    numbers = lambda count, most: rng.integers(0, most + 1, count, dtype=np.uint16)
    plain = lambda values: b" ".join(str(value).encode() for value in values) + b"\n"
    palette = rng.integers(0, 256, 1024, dtype=np.uint8).tobytes()
    yield "BMP", saved(rgb, "BMP"), []
    yield "BMP, grey as a palette", saved(grey, "BMP"), []
    yield "BMP, two colours", saved(rgb.convert("1"), "BMP"), []
    yield "BMP, palette of 16", saved(few, "BMP"), []
    yield "BMP, palette of 256", saved(rgb.quantize(256), "BMP"), []
    yield "BMP, top first", bitmap(24, picture(4, 3).tobytes(), height=-3), []
    yield "BMP, 32 bits", bitmap(32, picture(4, 3, 4).tobytes()), []
    yield "BMP, run lengths", bitmap(8, bytes([4, 7, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 2, 9, 2, 200, 0, 1]), 1, palette), []
    yield "PPM", saved(rgb, "PPM"), []
    yield "PGM", saved(grey, "PPM"), ["greyscale"]
    yield "PBM", saved(rgb.convert("1"), "PPM"), ["greyscale"]
    yield "PPM, plain", b"P3\n# comment\n3 2\n255\n" + plain(numbers(18, 255)), []
    yield "PGM, plain, to 15", b"P2\n3 2\n15\n" + plain(numbers(6, 15)), ["greyscale"]
    yield "PPM, to 100", b"P6\n4 3\n100\n" + numbers(36, 100).astype(np.uint8).tobytes(), []
    yield "PPM, 16 bits", b"P6\n4 3\n65535\n" + numbers(36, 65535).astype(">u2").tobytes(), []
    yield "TGA", saved(rgb, "TGA"), []
    yield "TGA, run lengths", saved(rgb, "TGA", compression="tga_rle"), []
    yield "TGA, grey", saved(grey, "TGA"), ["greyscale"]
    yield "TGA, palette", saved(few, "TGA"), []
    yield "TGA, alpha", saved(alpha, "TGA"), ["alpha dropped"]
    sizes = {"sizes": [(8, 8), (16, 16)]}
    square = Image.fromarray(picture(16, 16))
    yield "ICO", saved(square, "ICO", **sizes), []
    square_alpha = Image.fromarray(picture(16, 16, 4), "RGBA")
    yield "ICO of bitmaps", saved(square_alpha, "ICO", bitmap_format="bmp", **sizes), ["alpha dropped"]
    yield "JPEG 2000", saved(rgb, "JPEG2000"), []
    yield "JPEG 2000, grey", saved(grey, "JPEG2000"), ["greyscale"]
    yield "JPEG 2000, lossy", saved(square, "JPEG2000", irreversible=True, quality_layers=[20]), []
    yield "JPEG 2000, alpha", saved(alpha, "JPEG2000"), ["alpha dropped"]
    yield "JPEG 2000, bare", saved(rgb, "JPEG2000", no_jp2=True), []


def decoded(files):
    for name, data, remarks in files:
        image = Image.open(io.BytesIO(data)).convert("RGB")
        whole = {"width": image.width, "height": image.height, "rgb": text(image.tobytes())}
        yield {"name": name, "file": text(data), **whole, "pixels": text(center_crop(image, 8).tobytes()), "remarks": remarks}


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
values = {
    "crops": list(crops()),
    "strips": list(strips()),
    "files": list(decoded(files())),
    "further-files": list(decoded(further_files())),
    "photographs": photos,
}
for name, value in values.items():
    (OUT / f"{name}.json").write_text(json.dumps(value) + "\n")
