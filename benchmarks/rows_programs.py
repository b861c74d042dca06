"""Whole programs: the seeds', training steps and inference of small networks, data loading."""

from row import Row

POLYNOMIAL = """
import math
x = torch.linspace(-math.pi, math.pi, 2000)
y = torch.sin(x)
a, b, c, d = (torch.randn((), requires_grad=True) for _ in range(4))

def step():
    y_pred = a + b * x + c * x**2 + d * x**3
    loss = (y_pred - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 1e-6 * p.grad
            p.grad = None
"""
NET_BY_HAND = """
x, y = torch.randn(64, 1000), torch.randn(64, 10)
w1, w2 = torch.randn(1000, 100), torch.randn(100, 10)

def step():
    global w1, w2
    h = x.mm(w1)
    h_relu = h.clamp(min=0)
    y_pred = h_relu.mm(w2)
    loss = (y_pred - y).pow(2).sum().item()
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.t().mm(grad_y_pred)
    grad_h = grad_y_pred.mm(w2.t()).clone()
    grad_h[h < 0] = 0
    w1 -= 1e-8 * x.t().mm(grad_h)
    w2 -= 1e-8 * grad_w2
"""
NET_WITH_NN = """
x, y = torch.randn(64, 1000), torch.randn(64, 10)
model = nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10))
loss_fn = nn.MSELoss(reduction="sum")
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

def step():
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
DIGITS = """
model = load("digits").DigitNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
x, y = torch.rand(64, 1, 8, 8), torch.randint(10, (64,))

def step():
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
"""
LSTM = """
model = nn.LSTM(32, 64)
x = torch.randn(20, 16, 32)

def step():
    model(x)[0].sum().backward()
"""

STEP = """
def step():
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
"""


def training(name, model, x, classes, optimizer="Adam(model.parameters(), lr=1e-3)", readme=False):
    """A training step of a classifier: zero_grad, forward, cross-entropy, backward, update."""
    setup = f"""
{model}
optimizer = torch.optim.{optimizer}
x = {x}
y = torch.randint({classes}, (x.shape[0],))
{STEP}
"""
    return Row("programs", name, setup, "step()", readme=readme, peak=True)


MLP = "model = nn.Sequential({})"
CNN = """
model = nn.Sequential(
    nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Dropout(0.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))
"""
RESNET = """
class Block(nn.Module):
    def __init__(self, planes, out, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(planes, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.short = nn.Identity() if planes == out else nn.Conv2d(planes, out, 1, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.short(x))

model = nn.Sequential(
    nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
    Block(16, 16), Block(16, 16), Block(16, 32, 2), Block(32, 32), Block(32, 64, 2),
    Block(64, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
"""
GPT = """
class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.ln2(x))

class GPT(nn.Module):
    def __init__(self, vocab=65, width=128, depth=4, heads=4, length=64):
        super().__init__()
        self.token, self.place = nn.Embedding(vocab, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, vocab)

    def forward(self, i):
        x = self.token(i) + self.place(torch.arange(i.shape[1]))
        return self.head(self.ln(self.blocks(x)))

model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
i, j = torch.randint(65, (8, 64)), torch.randint(65, (8, 64))

def step():
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(i).view(-1, 65), j.view(-1))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()

def infer():
    with torch.no_grad():
        return model(i[:1])
"""
CHARACTERS = """
embed, rnn, head = nn.Embedding(65, 32), nn.LSTM(32, 128, 2, batch_first=True), nn.Linear(128, 65)
parameters = [p for m in (embed, rnn, head) for p in m.parameters()]
optimizer = torch.optim.Adam(parameters)
i, j = torch.randint(65, (16, 50)), torch.randint(65, (16, 50))

def step():
    optimizer.zero_grad()
    loss = F.cross_entropy(head(rnn(embed(i))[0]).flatten(0, 1), j.flatten())
    loss.backward()
    optimizer.step()
"""
VAE = """
encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
x = torch.rand(128, 784)

def step():
    optimizer.zero_grad()
    mean, log_var = encoder(x).chunk(2, dim=1)
    z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
    loss = F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
    loss = loss - 0.5 * (1 + log_var - mean.pow(2) - log_var.exp()).sum()
    loss.backward()
    optimizer.step()
"""
ENCODER = """
layer = nn.TransformerEncoderLayer(384, 12, 1536, activation="gelu", batch_first=True)
model = nn.TransformerEncoder(layer, 6, enable_nested_tensor=False).eval()
x = torch.randn(8, 32, 384)

def infer():
    with torch.no_grad():
        return model(x)
"""
XOR = """
model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])

def step():
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
"""
LOADER = """
data = torch.utils.data.TensorDataset(torch.rand(1000, 28 * 28), torch.randint(10, (1000,)))
loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True)
"""
WIDE = "nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)"
NARROW = "nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5)"
MNIST = "torch.rand(32, 1, 28, 28)"
SGD = "SGD(model.parameters(), lr=0.1, momentum=0.9)"
ROWS = [
    Row("programs", "polynomial fit, 2000 points, a step", POLYNOMIAL, "step()", readme=True),
    Row("programs", "two-layer net by hand, a step", NET_BY_HAND, "step()", readme=True),
    Row("programs", "two-layer net with nn and Adam, a step", NET_WITH_NN, "step()", readme=True),
    Row("programs", "XOR, SGD, a step", XOR, "step()"),
    Row("programs", "the digits network, batch 64, a step", DIGITS, "step()", readme=True),
    Row("programs", "LSTM 32 to 64, 20 steps, forward and backward", LSTM, "step()"),
    training("MLP 20-64-64-5, batch 32, a step", MLP.format(NARROW), "torch.rand(32, 20)", 5),
    training("MLP 784-512-512-10, batch 64, a step", MLP.format(WIDE), "torch.rand(64, 784)", 10),
    training("MNIST CNN, batch 32, a step", CNN, MNIST, 10, readme=True),
    training("small ResNet, batch 16, a step", RESNET, "torch.rand(16, 3, 32, 32)", 10, SGD, True),
    Row("programs", "GPT, 4 layers of 128, batch 8, a step", GPT, "step()", readme=True, peak=True),
    Row("programs", "GPT, 4 layers of 128, one sequence, inference", GPT, "infer()"),
    Row(
        "programs",
        "character LSTM, 2 layers of 128, a step",
        CHARACTERS,
        "step()",
        readme=True,
        peak=True,
    ),
    Row("programs", "VAE, batch 128, a step", VAE, "step()"),
    Row("programs", "transformer encoder, 6 layers of 384, inference", ENCODER, "infer()"),
    Row("programs", "DataLoader, 1000 items in batches of 64", LOADER, "for batch in loader: pass"),
]
