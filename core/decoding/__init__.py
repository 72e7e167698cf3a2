"""Decoding of foreign files in a child process: memory, time, output and the number at once are limited."""
