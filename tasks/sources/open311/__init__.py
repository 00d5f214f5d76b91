"""Import complaints from an Open311 GeoReport v2 server."""
