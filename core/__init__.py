"""Mechanisms that every app uses. No business tables, no imports from apps."""
