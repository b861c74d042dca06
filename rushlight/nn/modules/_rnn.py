"""The recurrences of RNN, LSTM and GRU in Tensor operations: one step, one layer, all layers."""

import rushlight as torch

_linear = torch._C._nn.linear
_lstm_cell, _gru_cell = torch._C._hidden._lstm_cell, torch._C._hidden._gru_cell
_lstm_layer = torch._C._hidden._lstm_layer


def step(mode, x, state, weights):
    """One step from the input x (N, in) and the state, a tuple. `weights`: W_ih, W_hh, b_ih, b_hh
    and, for an LSTM with projection, W_hr."""
    return _advance(mode, _linear(x, weights[0], weights[2]), state, weights)


def _advance(mode, gates_x, state, weights):
    """The new state, where the input's share of the gates is known already."""
    h = state[0]
    gates_h = _linear(h, weights[1], weights[3])
    if mode == "LSTM":
        h, c = _lstm_cell(gates_x + gates_h, state[1])
        return _linear(h, weights[4]) if len(weights) > 4 else h, c
    if mode == "GRU":
        return (_gru_cell(gates_x, gates_h, h),)
    gates = gates_x + gates_h
    return (gates.tanh() if mode == "RNN_TANH" else gates.relu(),)


def _layer(mode, x, state, weights, reverse):
    """A layer over (L, N, in) in one direction: the outputs (L, N, out) and the last state."""
    # One product serves all steps.
    if mode == "LSTM" and len(weights) == 4 and len(x):
        bias = weights[2] if weights[2] is None else weights[2] + weights[3]
        gates = _linear(x, weights[0], bias)
        outputs, h, c = _lstm_layer(gates.flip(0) if reverse else gates, *state, weights[1])
        return outputs.flip(0) if reverse else outputs, (h, c)
    gates = _linear(x, weights[0], weights[2]).unbind(0)
    outputs = []
    for g in reversed(gates) if reverse else gates:
        state = _advance(mode, g, state, weights)
        outputs.append(state[0])
    if reverse:
        outputs.reverse()
    if not outputs:
        return x.new_zeros((0, x.size(1), state[0].size(1))), state
    return torch.stack(outputs), state


def _packed_layer(mode, x, state, weights, reverse, batch_sizes):
    """The same over packed steps: x holds batch_sizes[t] rows for each step t, longest first."""
    gates = _linear(x, weights[0], weights[2]).split(batch_sizes)
    outputs = []
    if reverse:
        # Sequences join as the steps come down to their last one.
        current = tuple(h[: batch_sizes[-1]] for h in state)
        for g, size in zip(reversed(gates), reversed(batch_sizes), strict=True):
            have = current[0].size(0)
            if size > have:
                current = tuple(
                    torch.cat([c, h[have:size]]) for c, h in zip(current, state, strict=True)
                )
            current = _advance(mode, g, current, weights)
            outputs.append(current[0])
        outputs.reverse()
        return torch.cat(outputs), current
    # Sequences leave as they end; their last states are put together again afterwards.
    current, left = state, []
    for g, size in zip(gates, batch_sizes, strict=True):
        if size < current[0].size(0):
            left.append(tuple(c[size:] for c in current))
            current = tuple(c[:size] for c in current)
        current = _advance(mode, g, current, weights)
        outputs.append(current[0])
    parts = [current, *reversed(left)]
    last = tuple(torch.cat([part[i] for part in parts]) for i in range(len(state)))
    return torch.cat(outputs), last


def run(mode, x, hx, all_weights, bias, num_layers, bidirectional, dropout, batch_sizes):
    """All layers and directions. The state is a tensor, or (h, c) for an LSTM."""
    states = hx if mode == "LSTM" else (hx,)
    directions = 2 if bidirectional else 1
    last = []
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            at = layer * directions + direction
            weights = all_weights[at]
            if not bias:
                weights = [*weights[:2], None, None, *weights[2:]]
            state = tuple(s[at] for s in states)
            if batch_sizes is None:
                out, state = _layer(mode, x, state, weights, direction == 1)
            else:
                out, state = _packed_layer(mode, x, state, weights, direction == 1, batch_sizes)
            outputs.append(out)
            last.append(state)
        x = torch.cat(outputs, -1) if bidirectional else outputs[0]
        if dropout > 0 and layer < num_layers - 1:
            x = torch.dropout(x, dropout, True)
    hidden = tuple(torch.stack([s[i] for s in last]) for i in range(len(states)))
    return x, hidden if mode == "LSTM" else hidden[0]
