"""What every test shares: how asyncio is set up for them."""

import asyncio

# looptime asks the policy for an event loop before pytest-asyncio has set one; Python 3.11 would then make one that
# nobody closes, and an unclosed loop fails the run. With "none" set, it is told that there is none.
asyncio.set_event_loop(None)
