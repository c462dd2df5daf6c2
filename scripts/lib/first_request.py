"""Sends the quickstart's request once its Service is served: python first_request.py PORT PID

Waits for kemu (process PID) to know the host, prints the request as a curl command, then the answer. Only the standard
library: it does not need kemu's environment.
"""

import http.client
import os
import sys
import time

HOST = "hello.default.example.com"
WAIT_S = 120


def main(port: int, kemu: int) -> int:
    if not is_served(port, kemu):
        if is_alive(kemu):  # otherwise it has said itself why it ended
            print(f"\nkemu does not serve {HOST} on port {port} after {WAIT_S} s.", file=sys.stderr)
        return 1
    print(f"\n  $ curl -H 'Host: {HOST}' http://localhost:{port}", flush=True)
    started = time.monotonic()
    status, body = get(port, HOST)
    took_ms = (time.monotonic() - started) * 1000
    print(f"  {body.strip()}    ({status}, from zero in {took_ms:.0f} ms)\n", flush=True)
    return 0 if status == 200 else 1


def is_served(port: int, kemu: int) -> bool:
    """Polls a host that nobody has: the answer lists those there are, and wakes none of them."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and is_alive(kemu):
        try:
            if HOST in get(port, "nobody.invalid")[1]:
                return True
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    return False


def get(port: int, host: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
