"""The laboratory: how the models of `deid_node` are built, trained and measured."""
