"""A program for the type checker, not run by the tests: modules, optimisers and data."""

from typing_extensions import assert_type

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import Tensor, nn, optim
from rushlight.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, 2))
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) * self.scale


data = TensorDataset(torch.randn(100, 10), torch.randint(2, (100,)))
model = Net()
optimizer = optim.Adam(model.parameters(), lr=1e-3)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=10)
for _ in range(3):
    for inputs, labels in DataLoader(data, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
    scheduler.step()

model.eval()
torch.save(model.state_dict(), "model.pt")
model.load_state_dict(torch.load("model.pt"))
assert_type(model.forward(torch.zeros(1, 10)), Tensor)
