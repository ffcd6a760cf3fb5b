"""The training step of `ahpa bench step` in PyTorch: SiT with AHPA heads and router, clipping, AdamW, EMA.

Usage: python torch_step.py '{"hidden": 384, "heads": 6, "depth": 12, "batch": 8, "tap": 3, "align": "ahpa",
"groups": [384, 512, 512], "headHidden": 2048, "mode": "eager" | "compile", "precision": "f32" | "bf16"}'

Protocol: prints one JSON line when ready; then reads lines from standard input: `step N` takes N training steps,
`infer N` evaluates the network N times on twice the batch (as guidance does), `quit` ends. Each answer is one JSON line.
Needs: pip install torch==2.13.0
"""

import json
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from serve import serve

spec = json.loads(sys.argv[1])
torch.set_num_threads(spec.get("threads", 2))
torch.manual_seed(0)
width, heads, batch = spec["hidden"], spec["heads"], spec["batch"]
latent, channels, patch, classes = 32, 4, 2, 1000
tokens = (latent // patch) ** 2


def modulate(x, shift, scale):
    return x * (1 + scale[:, None]) + shift[:, None]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.modulation = nn.Linear(width, 6 * width)

    def forward(self, x, condition):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(condition).chunk(6, -1)
        h = modulate(self.norm1(x), shift1, scale1)
        q, k, v = self.qkv(h).view(batch_of(x), tokens, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        x = x + gate1[:, None] * self.proj(mixed)
        h = modulate(self.norm2(x), shift2, scale2)
        return x + gate2[:, None] * self.fc2(F.gelu(self.fc1(h), approximate="tanh"))


def batch_of(x):
    return x.shape[0]


def mlp(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, outputs)
    )


def sinusoid(t):
    frequencies = torch.exp(-math.log(10000) * torch.arange(128) / 128)
    angles = t[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], -1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(channels, width, patch, patch)
        self.register_buffer("positions", torch.randn(1, tokens, width) * 0.02)
        self.time = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.labels = nn.Embedding(classes + 1, width)
        self.blocks = nn.ModuleList([Block() for _ in range(spec["depth"])])
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, patch * patch * channels)
        groups = spec["groups"] if spec["align"] == "ahpa" else []
        self.projectors = nn.ModuleList([mlp(width, spec["headHidden"], d) for d in groups])
        if groups:
            self.router = nn.Sequential(
                nn.Linear(256, 256), nn.SiLU(), nn.Linear(256, 256), nn.SiLU(), nn.Linear(256, 256), nn.SiLU(),
                nn.Linear(256, len(groups)),
            )

    def forward(self, x, t, y):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        condition = F.silu(self.time(sinusoid(t)) + self.labels(y))
        projected = []
        for i, block in enumerate(self.blocks):
            x = block(x, condition)
            if i + 1 == spec["tap"]:
                projected = [head(x) for head in self.projectors]
        shift, scale = self.modulation(condition).chunk(2, -1)
        return self.out(modulate(self.norm(x), shift, scale)), projected


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=0, fused=True)
averages = [p.detach().clone() for p in model.parameters()]
x0 = torch.randn(batch, channels, latent, latent)
std = torch.rand_like(x0)
labels = torch.randint(0, classes, (batch,))
targets = [torch.randn(batch, tokens, d) for d in spec["groups"]] if spec["align"] == "ahpa" else []


def loss_of():
    z = x0 + std * torch.randn_like(x0)
    t, noise = torch.rand(batch), torch.randn_like(x0)
    y = torch.where(torch.rand(batch) < 0.1, classes, labels)
    at = t[:, None, None, None]
    v = (noise - z).view(batch, channels, 16, patch, 16, patch).permute(0, 2, 4, 3, 5, 1).reshape(batch, tokens, -1)
    velocity, projected = model((1 - at) * z + at * noise, t, y)
    loss = ((velocity.float() - v) ** 2).mean()
    if targets:
        weights = 0.95 * F.softmax(model.router(sinusoid(t)).float(), -1) + 0.05 / len(targets)
        each = [1 - F.cosine_similarity(p.float(), z, dim=-1).mean(1) for p, z in zip(projected, targets)]
        share = weights.mean(0)
        balance = (share * (share * len(targets)).log()).sum()
        loss = loss + 0.5 * ((weights * torch.stack(each, 1)).sum(1).mean() + 0.01 * balance)
    return loss


bf16 = spec["precision"] == "bf16"
compiled = spec["mode"] == "compile"
objective = torch.compile(loss_of) if compiled else loss_of
network = torch.compile(model) if compiled else model


def step():
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        loss = objective()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    with torch.no_grad():
        torch._foreach_lerp_(averages, [p.detach() for p in model.parameters()], 1e-4)
    return loss.item()


@torch.no_grad()
def infer():
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        x, t, y = torch.cat([x0, x0]), torch.rand(2 * batch), torch.cat([labels, labels])
        return network(x, t, y)[0].float().mean().item()


serve(model, {"step": step, "infer": infer})
