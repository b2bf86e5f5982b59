"""Packs without documents, on which a monitor should keep quiet: the inputs drift and the performance does not."""
