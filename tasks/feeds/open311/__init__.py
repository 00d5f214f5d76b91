"""An Open311 GeoReport v2 server as a source."""
