"""What `weights=` means here: nothing can be downloaded, and that is said."""


def check(weights, pretrained=False):
    """Raises NotImplementedError if weights are asked for."""
    if weights is not None or pretrained:
        raise NotImplementedError(
            "torchvision's pretrained weights are not downloaded here\n"
            "Make the model with weights=None and load a checkpoint: "
            "model.load_state_dict(torch.load('file.pth'))"
        )
