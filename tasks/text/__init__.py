"""Texts in the reader's language: the catalog of words, formats of numbers and dates, templates."""
