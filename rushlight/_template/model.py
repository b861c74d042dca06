"""The project's models."""

from base import BaseModel
from torch import nn


class DigitNet(BaseModel):
    """Two convolutions and two linear layers: (N, 1, 8, 8) pixels to (N, classes) scores."""

    def __init__(self, channels=32, dropout=0.25, classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(dropout),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * 16, 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, classes),
        )

    def forward(self, x):
        return self.classifier(self.features(x))
