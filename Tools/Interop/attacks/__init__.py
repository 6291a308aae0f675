"""Attacks on our programs, each beside an honest peer; `attacks.py` runs them."""
