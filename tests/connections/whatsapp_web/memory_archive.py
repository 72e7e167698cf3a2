"""Login archive in memory, for drivers without a database."""

from __future__ import annotations

from connections.drivers.whatsapp_web.options import Options


class MemoryArchive:
    """Copies of one number's login. With `options` it serves as a driver's store."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options
        self.copies: dict[str, bytes] = {}

    def newest(self) -> str:
        return max(self.copies, default="")

    def load(self, generation: str) -> bytes:
        return self.copies[generation]

    def save(self, data: bytes) -> str:
        generation = f"{len(self.copies) + 1:06d}"
        self.copies[generation] = data
        return generation

    def clear(self) -> None:
        self.copies.clear()
