"""Random mornings for fair notice, and two ways to live through them."""
