"""A package, so that pytest closes the browser after its last test here: Playwright keeps a loop of asyncio running."""
