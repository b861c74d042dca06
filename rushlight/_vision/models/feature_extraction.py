"""Names that libraries import; tracing a model's nodes needs torch.fx, which is not here."""


def create_feature_extractor(*args, **kwargs):
    """Raises NotImplementedError."""
    raise NotImplementedError(
        "torchvision.models.feature_extraction needs torch.fx, which is not in rushlight\n"
        "Register forward hooks on the layers instead: layer.register_forward_hook(...)"
    )


get_graph_node_names = create_feature_extractor
