"""Gets the given URL N times over one kept connection, one after the other."""

from __future__ import annotations

import asyncio
import sys

import aiohttp


async def main(count: int, url: str) -> None:
    """Read each answer whole, else its connection is not kept."""
    async with aiohttp.ClientSession() as session:
        for _ in range(count):
            async with session.get(url) as response:
                response.raise_for_status()
                await response.read()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
