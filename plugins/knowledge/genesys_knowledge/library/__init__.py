"""The reference library: published works on language-model architectures, shipped with Genesys."""
