"""One file a library: which functions, and how to read them."""
