"""Small labelled sources and the labels that pyarrow, datasets and webdataset read of them, for the tests of @ahpa/image-data.

Needs: pyarrow, datasets, webdataset, pillow (pip). Run from the repository root: python scripts/golden/image-labels.py
"""

import base64
import io
import json
import tempfile
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset
from PIL import Image

OUT = Path(__file__).resolve().parents[2] / "packages/image-data/test/golden/labels.json"
CATS = ["owl", "cat", "dog"]


def png(shade):
    stream = io.BytesIO()
    Image.new("RGB", (2, 2), (shade, 9, 9)).save(stream, "PNG")
    return stream.getvalue()


def text(data):
    return base64.b64encode(data).decode()


def hub_parquet(folder):
    """Columns by the features of `datasets`; the wanted labels are pyarrow's, the classes those of its own reader."""
    for column in ["class", "Label", "coarse_label", "breed"]:
        features = datasets.Features({"image": datasets.Image(), column: datasets.ClassLabel(names=CATS), "label_text": datasets.Value("string")})
        rows = {"image": [{"bytes": png(i), "path": None} for i in range(4)], column: [2, 0, 1, 0], "label_text": ["a", "b", "c", "d"]}
        path = folder / f"{column}.parquet"
        datasets.Dataset.from_dict(rows, features=features).to_parquet(path)
        table = pq.read_table(path)
        read = datasets.Features.from_arrow_schema(table.schema)[column]
        yield {"file": path.name, "data": text(path.read_bytes()), "labels": table[column].to_pylist(), "classes": read.names}


def plain_parquet(folder):
    """Columns without features."""
    images = pa.array([{"bytes": png(i), "path": ""} for i in range(3)])
    for name, column, classes in [
        ("strings", pa.array(["b", "a", "b"]), ["a", "b"]),
        ("dictionary", pa.array(["b", "a", "b"]).dictionary_encode(), ["a", "b"]),
        ("digits", pa.array(["10", "9", "10"]), ["9", "10"]),
        ("uint8", pa.array([2, 0, 2], pa.uint8()), ["0", "1", "2"]),
    ]:
        path = folder / f"{name}.parquet"
        pq.write_table(pa.table({"image": images, "Category": column}), path)
        values = pq.read_table(path)["Category"].to_pylist()
        labels = [classes.index(str(value)) for value in values]
        yield {"file": path.name, "data": text(path.read_bytes()), "labels": labels, "classes": classes}


def refused_parquet(folder):
    images = pa.array([{"bytes": png(i), "path": ""} for i in range(2)])
    names = {b"huggingface": json.dumps({"info": {"features": {"label": {"names": CATS, "_type": "ClassLabel"}}}}).encode()}
    for name, columns, reason in [
        ("null", {"label": pa.array([1, None])}, "null.parquet/1.* has no label"),
        ("beyond", {"label": pa.array([0, 7])}, "beyond.parquet/1.* has the class 7.*owl, cat, dog"),
        ("unlabelled", {"label": pa.array([0, -1])}, "unlabelled.parquet/1.* has the class -1"),
        ("list", {"label": pa.array([[0], [1]])}, "column of labels label is a list or struct"),
        ("struct", {"label": pa.array([{"id": 0}, {"id": 1}])}, "column of labels label is a list or struct"),
        ("nested", {"objects": pa.array([[{"label": 0}], [{"label": 1}]])}, r"objects\..*label is .*inside one"),
        ("boolean", {"label": pa.array([True, False])}, "boolean.parquet/0.* has the class true"),
        ("two", {"fine_label": pa.array([0, 1]), "coarse_label": pa.array([0, 0])}, "fine_label, coarse_label may each be the label: choose one with --label-column"),
        ("images", {"photo": images, "scan": images, "label": pa.array([0, 1])}, "photo, scan may each be the image: choose one with --image-column"),
    ]:
        path = folder / f"{name}.parquet"
        table = pa.table(columns if name == "images" else {"image": images, **columns})
        pq.write_table(table.replace_schema_metadata(names) if name in ("beyond", "unlabelled") else table, path)
        yield {"file": path.name, "data": text(path.read_bytes()), "error": reason}


def metadata(folder):
    """Tables of ImageFolder; the wanted values are those that `datasets` reads."""
    for name, content in [
        ("metadata.csv", 'file_name,label,note\n"a,1.png",cat,"two\nlines"\nb.png,"an ""owl""",x\nsub/c.png,cat,y\n'),
        ("metadata.jsonl", '{"file_name": "a,1.png", "label": 3}\n{"file_name": "b.png", "label": 0}\n{"file_name": "sub/c.png", "label": 3}\n'),
    ]:
        root = folder / name.replace(".", "-")
        files = {"a,1.png": png(1), "b.png": png(2), "sub/c.png": png(3), name: content.encode()}
        for file, data in files.items():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes(data)
        rows = datasets.load_dataset("imagefolder", data_dir=str(root), split="train", cache_dir=str(folder / "cache")).cast_column("image", datasets.Image(decode=False))
        values = {str(Path(row["image"]["path"]).relative_to(root)): row["label"] for row in rows}
        yield {"files": {file: text(data) for file, data in files.items()}, "labels": dict(sorted(values.items()))}


def shards(folder):
    """Shards as the `webdataset` package writes them; the wanted values are those that it reads."""
    depth = png(200)
    for name, fields, image in [
        ("cls", lambda i: {"jpg": png(i), "depth.png": depth, "mask.png": depth, "cls": str(i % 2).encode(), "txt": b"a text"}, "jpg"),
        ("names", lambda i: {"png": png(i), "cls": ["owl", "cat", "owl"][i].encode()}, "png"),
        ("json", lambda i: {"png": png(i), "json": json.dumps({"url": "x", "label": [4, 0, 4][i]}).encode()}, "png"),
        ("upper", lambda i: {"JPG": png(i), "CLS": str(2 - i).encode()}, "jpg"),
    ]:
        path = folder / f"{name}.tar"
        with webdataset.TarWriter(str(path), encoder=False, mtime=0, user="", group="") as sink:
            for i in range(3):
                sink.write({"__key__": f"{i:03}", **fields(i)})
        samples = list(webdataset.WebDataset(str(path), shardshuffle=False))
        label = lambda sample: sample["cls"].decode() if "cls" in sample else json.loads(sample["json"])["label"]
        yield {
            "file": path.name,
            "data": text(path.read_bytes()),
            "labels": {sample["__key__"]: label(sample) for sample in samples},
            "images": {sample["__key__"]: text(sample[image]) for sample in samples},
        }


with tempfile.TemporaryDirectory() as home:
    home = Path(home)
    golden = {
        "parquet": [*hub_parquet(home), *plain_parquet(home)],
        "refused": list(refused_parquet(home)),
        "metadata": list(metadata(home)),
        "shards": list(shards(home)),
    }
OUT.write_text(json.dumps(golden, indent=1) + "\n")
