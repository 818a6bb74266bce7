"""One LSTM layer over a whole sequence, with a way back of its own, in torch.

The input product of all time steps is one multiplication, and so is each weight's gradient: autograd would add up one
product per time step. States and gates are worked out in float32 whatever multiplies.

Axes in comments: T tokens, B sequences, H width.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.common.torch_engine import Engine


def gates(summed: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """i, f, g, o of (B, 4H), each (B, H) in float32."""
    i, f, g, o = summed.float().chunk(4, dim=-1)
    return i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()


def _forth(product: Tensor, hidden: Tensor, recurrent: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One time step: its gates (B, 4H), the cell in float32, and the hidden state."""
    i, f, g, o = gates(torch.addmm(product, hidden, recurrent.t()))
    cell = f * cell + i * g
    return torch.cat([i, f, g, o], dim=-1).to(product.dtype), cell, (o * cell.tanh()).to(product.dtype)


def _back(
    d_output: Tensor, d_later: Tensor, d_cell: Tensor, recurrent: Tensor, opened: Tensor, cells: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """The gradients of one time step's sums (B, 4H) and of the cell before it; `d_later` is that of the next sums,
    `cells` are those before and after the step."""
    i, f, g, o = opened.float().chunk(4, dim=-1)
    d_hidden = d_output.float() + (d_later @ recurrent).float()
    bent = cells[1].tanh()
    d_cell = d_cell + d_hidden * o * (1 - bent * bent)
    sums = [
        d_cell * g * i * (1 - i),
        d_cell * cells[0] * f * (1 - f),
        d_cell * i * (1 - g * g),
        d_hidden * bent * o * (1 - o),
    ]
    return torch.cat(sums, dim=-1).to(recurrent.dtype), d_cell * f


class Layer(torch.autograd.Function):  # type: ignore[misc]  # torch is seen without types
    """(x (T, B, H), input weight, recurrent weight, bias, engine) -> hidden states (T, B, H), from zero state."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, recurrent: Tensor, bias: Tensor, engine: Engine) -> Tensor:
        forth = engine.fuse(_forth)
        products = F.linear(x, weight, bias)
        hidden = [torch.zeros_like(x[0])]
        cells = [hidden[0].float()]
        opened = []
        for product in products.unbind(0):
            gate, cell, state = forth(product, hidden[-1], recurrent, cells[-1])
            opened.append(gate)
            cells.append(cell)
            hidden.append(state)
        ctx.save_for_backward(x, weight, recurrent)
        ctx.kept = hidden, cells, opened, engine
        return torch.stack(hidden[1:])

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, recurrent = ctx.saved_tensors
        hidden, cells, opened, engine = ctx.kept
        back = engine.fuse(_back)
        d_sums, d_cell = torch.zeros_like(opened[0]), torch.zeros_like(cells[0])
        newest_first = []
        for step in reversed(range(len(opened))):
            around = cells[step], cells[step + 1]
            d_sums, d_cell = back(d_outputs[0][step], d_sums, d_cell, recurrent, opened[step], around)
            newest_first.append(d_sums)
        sums = torch.cat(newest_first[::-1])
        d_x = (sums @ weight).view_as(x)
        return d_x, sums.t() @ x.flatten(0, 1), sums.t() @ torch.cat(hidden[:-1]), sums.sum(0), None
