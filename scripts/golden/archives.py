"""Small archives, and the files that GNU tar and Info-ZIP extract from them, read by the tests of @ahpa/image-data.

Needs: GNU tar, zip, unzip and zstd. Run from the repository root: python scripts/golden/archives.py
"""

import base64
import gzip
import io
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "packages/image-data/test/golden/archives.json"
SAME = ["--mtime=2020-01-01", "--owner=0", "--group=0", "--numeric-owner", "--mode=a=rX,u+w", "--sort=name"]
PAX = ["--format=pax", "--pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f"]


def run(*command, cwd):
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)


def put(root, files):
    for name, text in files.items():
        path = os.path.join(os.fsencode(root), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_text(text)


def extracted(command):
    """Names and first letters of regular files in the archive, links followed, hidden ones left out."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(command, cwd=folder, check=False, capture_output=True)
        found = {}
        for at, folders, files in os.walk(folder, followlinks=True):
            for name in files:
                path = Path(at, name)
                if path.is_file() and path.resolve().is_relative_to(folder) and not name.startswith("."):
                    key = os.fsencode(str(path.relative_to(folder))).decode("utf-8", "backslashreplace")
                    found[key] = path.read_text()[:8]
        return dict(sorted(found.items()))


def links(root):
    put(root, {"real/b/0.png": "zero", "real/b/1.png": "one", "a/2.png": "two"})
    os.symlink("real/b", root / "c")
    os.symlink("../real/b/1.png", root / "a/link.png")
    os.symlink("../c/0.png", root / "a/through.png")
    os.symlink("nowhere.png", root / "a/broken.png")
    os.symlink("/etc/hostname", root / "a/absolute.png")
    os.symlink("../../../x.png", root / "a/above.png")


def hard_links(root):
    put(root, {"a/0.png": "zero", "b/1.png": "one"})
    os.link(root / "a/0.png", root / "b/0.png")
    os.link(root / "b/1.png", root / ("c-" + "long" * 40 + ".png"))


def sparse(root):
    put(root, {"b/0.png": "zero"})
    (root / "a").mkdir()
    with open(root / "a/holes.png", "wb") as file:
        for block in range(40):
            file.seek(block * 100_000)
            file.write(b"data")


def latin(root):
    put(root, {b"a/caf\xe8.png": "grave", b"a/caf\xe9.png": "acute"})


def without_pid(data):
    """An archive without the process number in its headers of sparse files."""
    blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
    for i, block in enumerate(blocks):
        if re.search(rb"^[^\0]*GNUSparseFile\.\d+/", block):
            block = re.sub(rb"(GNUSparseFile\.)(\d+)", lambda m: m[1] + b"0" * len(m[2]), block)
            block = block[:148] + b" " * 8 + block[156:]
            blocks[i] = block[:148] + b"%06o\0 " % sum(block) + block[156:]
    return b"".join(blocks)


def tar(make, *options, names="."):
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        run("tar", "cf", "/dev/shm/golden.tar", *SAME, *options, names, cwd=folder)
        return without_pid(Path("/dev/shm/golden.tar").read_bytes())


def members(*files, kind=tarfile.GNU_FORMAT):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=kind) as archive:
        for name, text in files:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return stream.getvalue()


def zipped(files, method=zipfile.ZIP_STORED, system=3):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, text in files:
            info = zipfile.ZipInfo(name)
            info.create_system = system
            archive.writestr(info, text, method)
    return stream.getvalue()


def info_zip(make, *options):
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        for path in Path(folder).rglob("*"):
            os.utime(path, (1577836800,) * 2, follow_symlinks=False)
        run("zip", "-qrX", *options, "golden.zip", ".", cwd=folder)
        return Path(folder, "golden.zip").read_bytes()


def unflagged(name, text):
    """A zip whose name is these bytes, without the flag of UTF-8."""
    data = zipped([("x" * len(name), text)])
    return data.replace(b"x" * len(name), name)


def archives():
    two = [("a/0.png", "zero"), ("b/1.png", "one")]
    yield "links.tar", tar(links)
    yield "links-pax.tar", tar(links, *PAX)
    yield "links.zip", info_zip(links, "-y")
    yield "hard-links.tar", tar(hard_links)
    yield "hard-links-pax.tar", tar(hard_links, *PAX)
    yield "latin.tar", tar(latin)
    yield "latin-pax.tar", members(*[(f"a/caf{c}.png", "x") for c in "\udce8\udce9"], kind=tarfile.PAX_FORMAT)
    for version in ["old", "0.0", "0.1", "1.0"]:
        form = ["--format=gnu"] if version == "old" else [*PAX, f"--sparse-version={version}"]
        yield f"sparse-{version}.tar", tar(sparse, "--sparse", *form)
    yield "absolute.tar", members(*[(f"/{name}", text) for name, text in two])
    yield "twice.tar", members(*two, ("./a/0.png", "last"))
    yield "dots.zip", zipped([(f"./{name}", text) for name, text in two])
    # By MS-DOS, for which unzip takes a back slash for a separator.
    yield "windows.zip", zipped(two, system=0).replace(b"a/0.png", b"a\\0.png").replace(b"b/1.png", b"b\\1.png")
    yield "utf8.zip", unflagged("Äpfel/日本.png".encode(), "apple")
    yield "cp437.zip", unflagged("a/\u00e9t\u00e9.png".encode("cp437"), "summer")
    yield "bzip2.zip", zipped(two, zipfile.ZIP_BZIP2)
    plain = members(*two)
    yield "plain.tar", plain
    yield "gzip.tar.gz", gzip.compress(plain, mtime=0)
    yield "members.tgz", gzip.compress(plain[:700], mtime=0) + gzip.compress(plain[700:], mtime=0)
    yield "zstd.tar.zst", subprocess.run(["zstd", "-c", "--check"], input=plain, capture_output=True, check=True).stdout
    skip = struct.pack("<II", 0x184D2A50, 4) + b"skip"
    frames = [subprocess.run(["zstd", "-c"], input=part, capture_output=True, check=True).stdout for part in (plain[:700], plain[700:])]
    yield "frames.tzst", skip + b"".join(frames)


def golden():
    for name, data in archives():
        path = Path("/dev/shm", name)
        path.write_bytes(data)
        tool = ["unzip", "-q"] if name.endswith(".zip") else ["tar", "xf"]
        # unzip writes the bytes of names without a flag as they are; Python takes them for code page 437.
        command = [sys.executable, "-m", "zipfile", "-e", str(path), "."] if name == "cp437.zip" else [*tool, str(path)]
        yield {"name": name, "archive": base64.b64encode(gzip.compress(data, mtime=0)).decode(), "files": extracted(command)}
        path.unlink()


OUT.write_text(json.dumps(list(golden()), indent=1) + "\n")
print(OUT, OUT.stat().st_size)
