"""Networks of every size with random weights, what PyTorch makes of them in float32, and twenty steps of AdamW and EMA.

Needs: pip install torch numpy scipy safetensors
Run:   python scripts/golden/dit-parity.py FOLDER
"""

import importlib.util
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

spec = importlib.util.spec_from_file_location("reference", Path(__file__).with_name("dit-core.py"))
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)  # sets float64
torch.set_default_dtype(torch.float32)

OUT = Path(sys.argv[1])
SIZES = {"S": (384, 12, 6), "B": (768, 12, 12), "L": (1024, 24, 16), "XL": (1152, 28, 16)}
CLASSES = 10


def network(size, patch, latent, depth, channels=4, **more):
    width, whole, heads = SIZES[size]
    net = reference.SiT(latent, channels, patch, width, depth or whole, heads, 4, CLASSES, **more).float()
    for name, parameter in net.named_parameters():
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 100
        parameter.data = torch.randn(parameter.shape) / fan_in**0.5 + (1.0 if "_norm.weight" in name else 0.0)
    return net


def inputs(batch, channels, latent):
    x, target = torch.randn(2, batch, channels, latent, latent)
    return x, torch.rand(batch), torch.randint(0, CLASSES + 1, (batch,)), target


def channels_last(x):
    return x.permute(0, 2, 3, 1).contiguous()


def loss_of(net, x, t, y, target):
    return ((net(x, t, y)[0] - target) ** 2).mean()


def case(name, size, patch, latent, depth=1, batch=2, **more):
    torch.manual_seed(1)
    net = network(size, patch, latent, depth, **more)
    x, t, y, target = inputs(batch, net.x_embedder["proj"].in_channels, latent)
    velocity = net(x, t, y)[0]
    ((velocity - target) ** 2).mean().backward()
    tensors = {f"weight.{key}": value.data for key, value in net.named_parameters()}
    columns = max(value.numel() // len(value) for value in net.parameters())
    directions = torch.randn(columns, 4) / columns**0.5
    for key, value in net.named_parameters():
        # The rows of a matrix as their products with four random directions: small files, no error hides.
        rows = value.grad.reshape(len(value), -1)
        tensors[f"gradient.{key}"] = rows[:, 0] if value.dim() == 1 else rows @ directions[: rows.shape[1]]
    tensors |= {"directions": directions, "x": channels_last(x), "t": t, "y": y.int(), "target": channels_last(target)}
    save_file(tensors | {"velocity": channels_last(velocity.detach())}, OUT / f"{name}.safetensors")


def training():
    """Batches, and parameters and averages after twenty steps: torch.optim.AdamW with decay, EMA of 0.9."""
    torch.manual_seed(2)
    net = network("S", 2, 8, 2)
    start = {key: value.data.clone() for key, value in net.named_parameters()}
    average = {key: value.clone() for key, value in start.items()}
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    batches = [inputs(4, 4, 8) for _ in range(20)]
    losses = []
    for batch in batches:
        optimizer.zero_grad()
        loss = loss_of(net, *batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        for key, value in net.named_parameters():
            average[key].mul_(0.9).add_(value.data, alpha=0.1)
    tensors = {f"weight.{key}": value for key, value in start.items()}
    tensors |= {f"trained.{key}": value.data for key, value in net.named_parameters()}
    tensors |= {f"average.{key}": value for key, value in average.items()}
    x, t, y, target = (torch.stack(parts) for parts in zip(*batches))
    tensors |= {"x": x.permute(0, 1, 3, 4, 2).contiguous(), "t": t, "y": y.int(), "losses": torch.tensor(losses)}
    save_file(tensors | {"target": target.permute(0, 1, 3, 4, 2).contiguous()}, OUT / "training.safetensors")


for size in SIZES:
    case(f"{size}-2", size, 2, 16)
for patch in (1, 4, 8):
    case(f"S-{patch}", "S", patch, 8)
case("S-2-512", "S", 2, 64, batch=1)
case("S-2-whole", "S", 2, 32, depth=None, batch=1)
case("S-2-16-channels", "S", 2, 16, channels=16, qk_norm=True)
training()
