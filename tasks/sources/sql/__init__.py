"""Import complaints by a query on another system's database."""
