"""The records of this pack are derived in `build.py`."""
