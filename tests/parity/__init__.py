"""Replays PyTorch's own operator database (op_db of torch.testing._internal) on rushlight.

    python -m tests.parity --only 'linalg.*' --dtype float32

translate.py turns PyTorch's arguments and functions into rushlight's, compare.py compares results,
forms.py runs one sample in every form, replay.py is the workers, report.py the tables and the list
of expected failures. Not here: samples of our own (tests/ops.py has them).
"""
