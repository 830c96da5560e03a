"""Whole stories over real HTTP: portal, workers and simulator are processes of their own."""
