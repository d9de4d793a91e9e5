"""Tests of the link to other processes."""
