"""Statistical claims."""
