"""The version of this code, noted on each event that it handled."""

VERSION = "0.1.0"
