"""Reference values for packages/dit-core from a PyTorch SiT written out from its equations.

Needs: pip install torch numpy scipy
Run:   python scripts/golden/dit-core.py
"""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import torch
from scipy.integrate import RK45
from torch import nn
from torch.nn import functional as F

OUT = Path(__file__).resolve().parents[2] / "packages/dit-core/test/golden"
torch.set_default_dtype(torch.float64)


def test_values(shape, seed):
    """The linear congruential generator of tooling/test-utils (`testTensor`), rounded to float32 as there."""
    state, out = seed & 0xFFFFFFFF, []
    for _ in range(math.prod(shape)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state / 2**31 - 1)
    return torch.tensor(np.array(out, np.float32).astype(np.float64)).reshape(shape)


def seed_of(name):
    """32-bit FNV-1a of a parameter's path."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def fill(module):
    """Every parameter from its path: 0.1 u for vectors, u / sqrt(fan in) for the rest."""
    for name, parameter in module.named_parameters():
        scale = 0.1 if parameter.dim() == 1 else 1 / math.sqrt(math.prod(parameter.shape[1:]))
        parameter.data = test_values(tuple(parameter.shape), seed_of(name)) * scale
    return module


def golden(tensor):
    data = [float(f"{x:.7g}") for x in tensor.detach().reshape(-1).tolist()]
    return {"shape": list(tensor.shape), "data": data}


def write(name, content):
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / name
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


def timestep_embedding(t, width):
    half = width // 2
    frequencies = torch.exp(-math.log(10000) * torch.arange(half) / half)
    angles = t[:, None] * frequencies[None]
    return torch.cat([torch.cos(angles), torch.sin(angles)], -1)


def position_embedding(grid, width):
    """MAE's: numpy.meshgrid(w, h), the column's half first, sines before cosines."""
    columns, rows = np.meshgrid(np.arange(grid), np.arange(grid))

    def encode(positions):
        omega = 1 / 10000 ** (np.arange(width // 4) / (width / 4))
        angles = np.einsum("m,d->md", positions.reshape(-1), omega)
        return np.concatenate([np.sin(angles), np.cos(angles)], 1)

    return torch.tensor(np.concatenate([encode(columns), encode(rows)], 1))


class Attention(nn.Module):
    def __init__(self, width, heads, qk_norm=False):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm = nn.LayerNorm(width // heads) if qk_norm else nn.Identity()
        self.k_norm = nn.LayerNorm(width // heads) if qk_norm else nn.Identity()
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k = self.q_norm(q), self.k_norm(k)
        scores = (q @ k.transpose(-2, -1)) * (d // self.heads) ** -0.5
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, d))


class Mlp(nn.Module):
    def __init__(self, width, ratio):
        super().__init__()
        self.fc1 = nn.Linear(width, ratio * width)
        self.fc2 = nn.Linear(ratio * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


def modulate(x, shift, scale):
    normal = F.layer_norm(x, x.shape[-1:], eps=1e-6)
    return normal * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


class Block(nn.Module):
    def __init__(self, width, heads, ratio, qk_norm=False):
        super().__init__()
        self.attn = Attention(width, heads, qk_norm)
        self.mlp = Mlp(width, ratio)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x, c):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(c).chunk(6, 1)
        x = x + gate1.unsqueeze(1) * self.attn(modulate(x, shift1, scale1))
        return x + gate2.unsqueeze(1) * self.mlp(modulate(x, shift2, scale2))


class FinalLayer(nn.Module):
    def __init__(self, width, outputs):
        super().__init__()
        self.linear = nn.Linear(width, outputs)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x, c):
        shift, scale = self.adaLN_modulation(c).chunk(2, 1)
        return self.linear(modulate(x, shift, scale))


class SiT(nn.Module):
    def __init__(self, size, channels, patch, width, depth, heads, ratio, classes, qk_norm=False, learn_sigma=False):
        super().__init__()
        self.patch, self.channels, self.grid = patch, channels * (2 if learn_sigma else 1), size // patch
        self.x_embedder = nn.ModuleDict({"proj": nn.Conv2d(channels, width, patch, patch)})
        self.t_embedder = nn.ModuleDict({"mlp": nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))})
        self.y_embedder = nn.ModuleDict({"embedding_table": nn.Embedding(classes + 1, width)})
        self.blocks = nn.ModuleList([Block(width, heads, ratio, qk_norm) for _ in range(depth)])
        self.final_layer = FinalLayer(width, patch * patch * self.channels)
        self.register_buffer("positions", position_embedding(self.grid, width))

    def forward(self, x, t, y):
        """x is NCHW here; the golden files hold NHWC."""
        x = self.x_embedder["proj"](x).flatten(2).transpose(1, 2) + self.positions
        c = self.t_embedder["mlp"](timestep_embedding(t, 256)) + self.y_embedder["embedding_table"](y)
        hidden = []
        for block in self.blocks:
            x = block(x, c)
            hidden.append(x)
        out = self.final_layer(x, c)
        out = out.reshape(-1, self.grid, self.grid, self.patch, self.patch, self.channels)
        out = torch.einsum("nhwpqc->nchpwq", out)
        return out.reshape(-1, self.channels, self.grid * self.patch, self.grid * self.patch), hidden


def embeddings():
    t = torch.tensor([0.0, 0.3, 1.0])
    write("embeddings.json", {"time": golden(timestep_embedding(t, 32)), "position": golden(position_embedding(4, 16))})


def block():
    module = fill(Block(16, 2, 4))
    x = test_values((2, 6, 16), 1).requires_grad_()
    c = test_values((2, 16), 2).requires_grad_()
    out = module(x, c)
    (out**2).mean().backward()
    write("block.json", {"out": golden(out), "dx": golden(x.grad), "dc": golden(c.grad)})


def model():
    net = fill(SiT(size=8, channels=4, patch=2, width=32, depth=2, heads=2, ratio=4, classes=5))
    x = test_values((2, 8, 8, 4), 3).permute(0, 3, 1, 2)
    velocity, hidden = net(x, torch.tensor([0.15, 0.8]), torch.tensor([3, 5]))
    (velocity**2).mean().backward()
    write("model.json", {"velocity": golden(velocity.permute(0, 2, 3, 1)), "hidden": [golden(h) for h in hidden]})
    gradients = {}
    for name, parameter in net.named_parameters():
        # Vectors whole; the rest as the product of their rows with fixed numbers.
        rows = parameter.grad.reshape(parameter.shape[0], -1)
        gradients[name] = golden(rows[:, 0] if parameter.dim() == 1 else rows @ test_values((rows.shape[1],), 7))
    write("gradients.json", gradients)


def networks():
    """Published networks that differ from REPA's: SiT's and DiT's conventions, and norms of queries and keys."""
    x = test_values((2, 4, 4, 3), 3).permute(0, 3, 1, 2)
    t, y = torch.tensor([0.15, 0.8]), torch.tensor([3, 5])
    sizes = dict(size=4, channels=3, patch=2, width=16, depth=1, heads=2, ratio=4, classes=5)
    sit = fill(SiT(**sizes, learn_sigma=True))
    velocities = {
        "sit": -sit(x, 1 - t, y)[0][:, :3],
        "dit": sit(x, 999 * t, y)[0][:, :3],
        "noise": sit(x, torch.tensor([150.0, 799.0]), y)[0],
        "qkNorm": fill(SiT(**sizes, qk_norm=True))(x, t, y)[0],
    }
    net = fill(SiT(**sizes, qk_norm=True))
    (net(x, t, y)[0] ** 2).mean().backward()
    gradients = {name: golden(parameter.grad) for name, parameter in net.named_parameters() if "_norm" in name}
    out = {name: golden(velocity.permute(0, 2, 3, 1)) for name, velocity in velocities.items()}
    write("networks.json", {"velocities": out, "gradients": gradients})


def velocity_of(x, t, y):
    return 0.5 * x * (1 + 0.1 * y.reshape(-1, 1, 1, 1)) - t.reshape(-1, 1, 1, 1) ** 2


def guided(x, t, now, y, guidance, low, high):
    v = velocity_of(x, torch.full((len(x),), t), y)
    if guidance > 1 and low <= now <= high:
        free = velocity_of(x, torch.full((len(x),), t), torch.full_like(y, 9))
        v = free + guidance * (v - free)
    return v


def score(v, x, t, path):
    if path == "linear":
        alpha, sigma, d_alpha, d_sigma = 1 - t, t, -1, 1
    else:
        alpha, sigma = math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)
        d_alpha, d_sigma = -math.pi / 2 * sigma, math.pi / 2 * alpha
    ratio = alpha / d_alpha
    return (ratio * v - x) / (sigma**2 - ratio * d_sigma * sigma)


def sample(sampler, path, steps, guidance, interval):
    x, y = test_values((2, 2, 2, 1), 5), torch.tensor([1, 4])
    if sampler == "sde":
        times = [*torch.linspace(1.0, 0.04, steps).tolist(), 0.0]
    else:
        times = torch.linspace(1.0, 0.0, steps + 1).tolist()
    for i, (now, after) in enumerate(zip(times[:-1], times[1:])):
        dt = after - now
        v = guided(x, now, now, y, guidance, *interval)
        if sampler == "sde":
            diffusion = 2 * now
            drift = v - 0.5 * diffusion * score(v, x, now, path)
            noise = test_values((2, 2, 2, 1), 100 + i) * math.sqrt(abs(dt)) if i < steps - 1 else 0
            x = x + drift * dt + math.sqrt(diffusion) * noise
        elif sampler == "heun" and i < steps - 1:
            ahead = guided(x + dt * v, after, now, y, guidance, *interval)
            x = x + dt * (0.5 * v + 0.5 * ahead)
        else:
            x = x + dt * v
    return {"sampler": sampler, "path": path, "steps": steps, "guidance": guidance, "interval": interval, "out": golden(x)}


def samplers():
    cases = [
        sample("euler", "linear", 5, 1.0, [0, 1]),
        sample("euler", "linear", 5, 1.8, [0, 0.6]),
        sample("heun", "linear", 5, 1.8, [0.2, 0.7]),
        sample("sde", "linear", 6, 1.0, [0, 1]),
        sample("sde", "linear", 6, 1.8, [0, 0.7]),
        sample("sde", "cosine", 6, 1.5, [0, 1]),
    ]
    write("samplers.json", cases)


def grids():
    """Times of torch.linspace as REPA's samplers.py takes them: SHA-256 of the float64 bytes for every number of steps."""

    def entry(times):
        data = times.to(torch.float64).numpy().astype("<f8").tobytes()
        return hashlib.sha256(data).hexdigest()[:16]

    def ode(steps):
        return torch.linspace(1, 0, steps + 1, dtype=torch.float64)

    def sde(steps):
        return torch.cat([torch.linspace(1.0, 0.04, steps, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)])

    steps = range(2, 251)
    content = {
        "from": 2,
        "ode": [entry(ode(n)) for n in steps],
        "sde": [entry(sde(n)) for n in steps],
        # Whether each time lies within [k / n, 1], for every k: the edges of guidance intervals on the grid.
        "guided": {str(n): [int((ode(n)[:-1] >= k / n).sum()) for k in range(n)] for n in (5, 10, 20, 50)},
    }
    write("grids.json", content)


# A mixture of two Gaussians, element by element: class k is component k alone, label 2 is both.
MEANS, SHARES = (-1.0, 2.0), (0.4, 0.6)


def path_at(path, t):
    if path == "linear":
        return 1 - t, t, -1.0, 1.0
    turn = math.pi / 2
    return math.cos(turn * t), math.sin(turn * t), -turn * math.sin(turn * t), turn * math.cos(turn * t)


def mixture_velocity(x, t, label, path="linear", deviation=0.5):
    alpha, sigma, d_alpha, d_sigma = path_at(path, t)
    power = alpha**2 * deviation**2 + sigma**2
    slope = (d_alpha * alpha * deviation**2 + d_sigma * sigma) / power
    parts = [d_alpha * mean + slope * (x - alpha * mean) for mean in MEANS]
    logits = [math.log(share) - (x - alpha * mean) ** 2 / (2 * power) for mean, share in zip(MEANS, SHARES)]
    first = {0: 1.0, 1: 0.0}.get(label, 1 / (1 + np.exp(logits[1] - logits[0])))
    return first * parts[0] + (1 - first) * parts[1]


def shifted(t, shift, path):
    if path == "linear":
        return shift * t / (1 + (shift - 1) * t)
    return 2 / math.pi * math.atan2(shift * math.sin(math.pi / 2 * t), math.cos(math.pi / 2 * t))


def trajectory(sampler, path="linear", steps=8, guidance=1.0, interval=(0, 1), channels=2, shift=1.0, weak=None, every=1):
    """The state at the start of every step and at the end; each sample is [channels], labels are 0 and 1."""

    def model(x, t, now):
        v = np.stack([mixture_velocity(row, t, label, path) for label, row in enumerate(x)])
        if guidance == 1 or not interval[0] <= now <= interval[1]:
            return v
        if weak is None:
            other = mixture_velocity(x, t, 2, path)
        else:
            other = np.stack([mixture_velocity(row, t, label, path, weak) for label, row in enumerate(x)])
        return np.where(np.arange(2) < channels, other + guidance * (v - other), v)

    x = test_values((2, 2), 5).numpy() * 1.5
    times = [*torch.linspace(1.0, 0.04, steps).tolist(), 0.0] if sampler == "sde" else torch.linspace(1.0, 0.0, steps + 1).tolist()
    times = [shifted(t, shift, path) for t in times]
    states = [x]
    for i, (now, after) in enumerate(zip(times[:-1], times[1:])):
        dt = after - now
        v = model(x, now, now)
        if sampler == "sde":
            diffusion = 2 * now
            drift = v - 0.5 * diffusion * score(v, x, now, path)
            noise = test_values((2, 2), 100 + i).numpy() * math.sqrt(abs(dt)) if i < steps - 1 else 0
            x = x + drift * dt + math.sqrt(diffusion) * noise
        elif sampler == "heun" and i < steps - 1:
            x = x + dt * (0.5 * v + 0.5 * model(x + dt * v, after, now))
        else:
            x = x + dt * v
        states.append(x)
    kept = [i for i in range(len(states)) if i % every == 0 or i == steps]
    config = {"sampler": sampler, "path": path, "steps": steps, "guidance": guidance, "guidanceInterval": interval}
    config |= {"guidanceChannels": channels, "shift": shift}
    return {"config": config, "weak": weak, "kept": kept, "states": [golden(torch.tensor(states[i])) for i in kept]}


def adaptive(path, rtol, atol):
    """SciPy's RK45 for labels 2 and 1, each sample by itself: times and states after each step taken, evaluations."""
    samples = []
    for label, start in zip((2, 1), test_values((2, 2), 5).numpy() * 1.5):
        velocity = lambda t, x: mixture_velocity(x, max(t, 0.0), label, path)
        solver = RK45(velocity, 1.0, start, 0.0, rtol=rtol, atol=atol)
        times, states = [], []
        while solver.status == "running":
            solver.step()
            times.append(float(f"{solver.t:.9g}"))
            states.append([float(f"{v:.9g}") for v in solver.y])
        samples.append({"times": times, "states": states, "evaluations": solver.nfev})
    return {"path": path, "rtol": rtol, "atol": atol, "samples": samples}


def trajectories():
    cases = [
        trajectory("euler"),
        trajectory("euler", steps=10, guidance=2.0, channels=1, shift=3.0),
        trajectory("heun", "cosine", guidance=1.8, interval=(0.2, 0.7)),
        trajectory("heun", steps=10, guidance=2.5, interval=(0, 0.9), weak=0.8),
        trajectory("sde", steps=250, guidance=1.8, interval=(0, 0.7), every=25),
        trajectory("sde", "cosine", steps=12, shift=2.0),
    ]
    write("trajectories.json", cases)
    write("dopri5.json", [adaptive("linear", 1e-3, 1e-6), adaptive("cosine", 1e-4, 1e-4)])


def positions():
    """SHA-256 of the float32 bytes of MAE's position table, as `pos_embed` of checkpoints holds them."""
    sizes = [(2, 32), (8, 384), (16, 384), (16, 768), (16, 1024), (16, 1152), (32, 768), (32, 1152), (64, 384)]
    hashes = {f"{g}x{w}": hashlib.sha256(position_embedding(g, w).numpy().astype("<f4").tobytes()).hexdigest() for g, w in sizes}
    write("positions.json", hashes)


if __name__ == "__main__":
    embeddings()
    positions()
    block()
    model()
    networks()
    samplers()
    grids()
    trajectories()
