"""An Open311 GeoReport v2 server as a source.

`source` chooses the questions; `queries` asks them completely; `client` and `parser` read answers.
"""

__all__ = ["source"]
