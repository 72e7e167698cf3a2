"""Decoding of untrusted files in child processes with limits on memory, time, output and concurrency."""
