"""The loop in PyTorch, on a processor or a graphics card, in full or in mixed precision."""

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


def train_steps(model, optimizer, batches, *, device="cpu", dtype=None, max_norm=None):
    """Take one step for each batch; return the losses.

    Parameters
    ----------
    model : torch.nn.Module
        On the device already, and the optimizer made after it was moved there.
    optimizer : torch.optim.Optimizer
    batches : iterable of pairs of tensors
    device : str
        "cpu", "cuda", …
    dtype : torch.dtype, optional
        In which `torch.autocast` computes products of matrices; the weights stay as they are.
        With float16 the loss is scaled up, lest small gradients become 0.
    max_norm : float, optional
        Limits the norm of the gradient, after it has been scaled back.
    """
    model.train()
    scaler = torch.amp.GradScaler(device, enabled=dtype is torch.float16)
    losses = []
    for x, y in batches:
        x, y = x.to(device, non_blocking=True), y.to(device, non_blocking=True)
        optimizer.zero_grad()
        with torch.autocast(device, dtype=dtype, enabled=dtype is not None):
            loss = cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        if max_norm is not None:
            clip_grad_norm_(model.parameters(), max_norm)
        scaler.step(optimizer)  # skips a step whose gradient is not finite
        scaler.update()
        losses.append(loss.detach())  # .item() would wait for the card in every step
    return torch.stack(losses).tolist() if losses else []


@torch.no_grad()
def loss_and_accuracy(model, images, labels, *, device="cpu", batch_size=1000):
    """The mean cross-entropy over all images, and the share of right answers."""
    model.eval()
    loss = torch.zeros((), dtype=torch.float64)
    right = 0
    for x, y in zip(images.split(batch_size), labels.split(batch_size), strict=True):
        logits = model(x.to(device)).cpu()
        loss += cross_entropy(logits, y, reduction="sum")
        right += (logits.argmax(dim=1) == y).sum().item()
    return loss.item() / len(images), right / len(images)
