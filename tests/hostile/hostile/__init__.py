"""The hostile server: see tests/hostile/README.md."""
