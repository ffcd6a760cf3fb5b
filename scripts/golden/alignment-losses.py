"""Reference values for packages/alignment-losses from PyTorch transcriptions of the losses and heads.

Needs: pip install torch numpy
Run:   python scripts/golden/alignment-losses.py
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

OUT = Path(__file__).resolve().parents[2] / "packages/alignment-losses/test/golden"
torch.set_default_dtype(torch.float64)


def test_values(shape, seed):
    """The linear congruential generator of tooling/test-utils (`testTensor`), rounded to float32 as there."""
    state, out = seed & 0xFFFFFFFF, []
    for _ in range(math.prod(shape)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state / 2**31 - 1)
    return torch.tensor(np.array(out, np.float32).astype(np.float64)).reshape(shape)


def golden(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{x:.7g}") for x in tensor.detach().reshape(-1).tolist()]}


def write(name, content):
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / name
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


def cosine(projected, target):
    """[B, T, D] -> [B]: one minus the token mean of the cosine of normalised rows."""
    return 1 - (F.normalize(projected, dim=-1) * F.normalize(target, dim=-1)).sum(-1).mean(-1)


def smooth_l1(projected, target):
    return F.smooth_l1_loss(projected, target, beta=0.05, reduction="none").mean((1, 2))


def distances():
    shape = (3, 4, 5)
    each = test_values((3,), 8)
    content = {}
    for name, distance in {"cosine": cosine, "smoothL1": smooth_l1}.items():
        projected = test_values(shape, 1).requires_grad_()
        # Half of the differences fall under beta.
        target = test_values(shape, 2) if name == "cosine" else projected.detach() + test_values(shape, 3) * 0.1
        value = distance(projected, target)
        (value * each).sum().backward()
        content[name] = {"value": golden(value), "dProjected": golden(projected.grad)}
    write("distances.json", content)


def losses():
    projected = [test_values((3, 4, 5 + g), 40 + g).requires_grad_() for g in range(2)]
    targets = [test_values((3, 4, 5 + g), 50 + g) for g in range(2)]
    weights = (test_values((3, 2), 60) + 1).requires_grad_()
    per_group = torch.stack([cosine(p, z) for p, z in zip(projected, targets)], 1)
    ahpa = (weights * per_group).sum(1).mean()
    ahpa.backward()
    write(
        "losses.json",
        {
            "ahpa": golden(ahpa),
            "perGroup": golden(per_group),
            "dProjected": [golden(p.grad) for p in projected],
            "dWeights": golden(weights.grad),
            "repa": golden(cosine(projected[0], targets[0]).mean()),
            "sra2": golden(F.smooth_l1_loss(projected[0], targets[0], beta=0.05)),
        },
    )


def heads():
    hidden = test_values((2, 9, 6), 70)
    sizes = [(7, 6), (7, 7), (5, 7)]
    linears = [nn.Linear(i, o) for o, i in sizes]
    for k, linear in enumerate(linears):
        linear.weight.data = test_values(sizes[k], 80 + k)
        linear.bias.data = test_values((sizes[k][0],), 90 + k)
    mlp = nn.Sequential(linears[0], nn.SiLU(), linears[1], nn.SiLU(), linears[2])
    out = mlp(hidden)
    (out**2).mean().backward()
    conv = nn.Conv2d(6, 5, 3, padding=1)
    conv.weight.data = test_values((5, 6, 3, 3), 83)
    conv.bias.data = test_values((5,), 93)
    image = hidden.transpose(1, 2).reshape(2, 6, 3, 3)
    projected = conv(image).flatten(2).transpose(1, 2)
    (projected**2).mean().backward()
    write(
        "heads.json",
        {
            "mlp": golden(out),
            "mlpGradients": {name: golden(parameter.grad) for name, parameter in mlp.named_parameters()},
            "conv": golden(projected),
            "convGradients": {name: golden(parameter.grad) for name, parameter in conv.named_parameters()},
        },
    )


def spatial():
    y = test_values((2, 6, 4), 4)
    normal = (y - 0.6 * y.mean(1, keepdim=True)) / (y.std(1, keepdim=True) + 1e-6)
    write("spatial.json", golden(normal))


def contrast():
    """NT-Xent among the tokens of an image, and the squared difference of cosine Gram matrices."""
    projected, target = test_values((2, 4, 5), 1).requires_grad_(), test_values((2, 4, 5), 2)
    each = test_values((2, 4), 9)
    content = {}
    p, z = F.normalize(projected, dim=-1), F.normalize(target, dim=-1)
    logits = p @ z.transpose(1, 2) / 0.1
    own = torch.arange(4).expand(2, 4)
    nt_xent = F.cross_entropy(logits.transpose(1, 2), own, reduction="none")
    relation = ((p @ p.transpose(1, 2) - z @ z.transpose(1, 2)) ** 2).mean(-1)
    for name, value in {"ntXent": nt_xent, "relation": relation}.items():
        (gradient,) = torch.autograd.grad((value * each).sum(), projected, retain_graph=True)
        content[name] = {"value": golden(value), "dProjected": golden(gradient)}
    write("contrast.json", content)


def mixes():
    """Loss mix with weights per token and residual weights, target mix, gates."""
    projected = [test_values((2, 4, 5), 40 + g).requires_grad_() for g in range(3)]
    targets = [test_values((2, 4, 5), 50 + g) for g in range(3)]
    content = {}
    token_weights = test_values((2, 4, 3), 60).softmax(-1).requires_grad_()
    distances = torch.stack([1 - F.cosine_similarity(p, z, dim=-1) for p, z in zip(projected, targets)], -1)
    content["perToken"] = golden((token_weights * distances).sum(-1).mean())
    eta = distances.detach() / 2
    for name, axis, values in (("token", 1, eta), ("sample", 0, eta.mean(1, keepdim=True))):
        raw = (values / values.mean(axis, keepdim=True)).clamp(0.25, 4)
        residual = raw / raw.mean(axis, keepdim=True)
        weights = test_values((2, 3), 61).softmax(-1)
        content[f"residual{name}"] = golden(residual[..., 0])
        content[f"loss{name}"] = golden(((residual * distances).mean(1) * weights).sum(-1).mean())
    weights = test_values((2, 3), 62).softmax(-1).requires_grad_()
    mixed = sum(weights[:, g, None, None] * targets[g] for g in range(3))
    loss = (1 - F.cosine_similarity(projected[0], mixed, dim=-1)).mean()
    d_projected, d_weights = torch.autograd.grad(loss, [projected[0], weights])
    content["target"] = {"loss": golden(loss), "dProjected": golden(d_projected), "dWeights": golden(d_weights)}
    write("mixes.json", content)


def attention():
    """HASTE: cross-entropy of the first heads' rows, mean over rows and heads."""
    student, teacher = test_values((2, 3, 4, 4), 1).requires_grad_(), test_values((2, 2, 4, 4), 2)
    value = -(teacher.softmax(-1) * student[:, :2].log_softmax(-1)).sum(-1).mean((1, 2))
    (value * test_values((2,), 3)).sum().backward()
    write("attention.json", {"value": golden(value), "dStudent": golden(student.grad)})


def sra():
    """SRA's head, Linear(D, 2D) SiLU Linear(2D, D), smooth L1 against the teacher's tokens at an earlier time; SRA2's five layers."""
    hidden, teacher = test_values((2, 4, 6), 1), test_values((2, 4, 6), 2)
    t, chance = torch.tensor([0.05, 0.7]), (test_values((2,), 3) + 1) / 2

    def network(widths, seed):
        modules = []
        for k, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
            linear = nn.Linear(inputs, outputs)
            linear.weight.data, linear.bias.data = test_values((outputs, inputs), seed + k), test_values((outputs,), seed + 10 + k)
            modules += [linear, nn.SiLU()]
        return nn.Sequential(*modules[:-1])

    head, deep = network([6, 12, 6], 30), network([6, 12, 12, 12, 12, 4], 60)
    loss = F.smooth_l1_loss(head(hidden), teacher, beta=0.05)
    loss.backward()
    latent = deep(hidden).reshape(2, 2, 2, 2, 2, 1).permute(0, 1, 3, 2, 4, 5).reshape(2, 16, 1)
    write(
        "sra.json",
        {
            "times": golden((t - 0.2 * chance).clamp(0, 1)),
            "loss": golden(loss),
            "gradients": {name: golden(p.grad) for name, p in head.named_parameters()},
            "deep": golden(deep(hidden)),
            "unfolded": golden(latent),
        },
    )


def targets():
    """iREPA's loss, and channel LayerNorm."""
    projected, y = test_values((2, 6, 4), 3), test_values((2, 6, 4), 4)
    normal = (y - 0.6 * y.mean(1, keepdim=True)) / (y.std(1, keepdim=True) + 1e-6)
    write(
        "targets.json",
        {
            "irepa": golden(cosine(projected, normal).mean()),
            "channelNorm": golden(F.layer_norm(y, (4,), eps=1e-6)),
        },
    )


def release():
    """RARE's release on a falling distance: the share of the weight at every step."""
    fast = slow = None
    since, shares = None, []
    for step in range(60):
        shares.append(1.0 if since is None else (1 + math.cos(math.pi * min((step - since) / 10, 1))) / 2)
        distance = 0.4 + 0.6 * math.exp(-step / 8)
        fast = distance if fast is None else 0.5 * fast + 0.5 * distance
        slow = distance if slow is None else 0.8 * slow + 0.2 * distance
        if since is None and step + 1 >= 5 and (slow - fast) / slow < 0.02:
            since = step + 1
    write("release.json", {"since": since, "shares": [float(f"{share:.7g}") for share in shares]})


distances()
losses()
heads()
spatial()
contrast()
mixes()
attention()
sra()
targets()
release()
