"""Network S in PyTorch; `fer_core.models.architectures` has it in Keras, to which the weights are ported."""

import torch
from torch import nn

WIDTHS, DEPTHS = (32, 64, 128, 256), (2, 2, 3, 3)
EPSILON = 1e-3  # Keras's own, so that the port is exact


class NetworkS(nn.Module):
    """3x3 conv-BN-ReLU blocks with max-pools between, a learned pooling over the last 5x5 map, two linear heads."""

    def __init__(self, dropout: float):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for block, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
            if block:
                layers.append(nn.MaxPool2d(2))
            for _ in range(depth):
                layers += [
                    nn.Conv2d(channels, width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width, eps=EPSILON),
                    nn.ReLU(inplace=True),
                ]
                channels = width
        self.features = nn.Sequential(*layers)
        self.pool = nn.Parameter(torch.full((channels, 5, 5), 1 / 25))
        self.dropout = nn.Dropout(dropout)
        self.fer7 = nn.Linear(channels, 7)
        self.ferplus8 = nn.Linear(channels, 8)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out")

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of both heads from (n, 1, 44, 44)."""
        pooled = self.dropout((self.features(x).float() * self.pool).sum((2, 3)))
        return self.fer7(pooled), self.ferplus8(pooled)
