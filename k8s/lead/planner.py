import http.client
import json
import os
import signal
import sys
import time
import urllib.request

URL = os.environ.get("LEADER_URL", "http://localhost:4040")
PERIOD = float(os.environ.get("PERIOD", "10"))


def leader():
    """What the sidecar says of the leader; None while no leader is known."""
    try:
        with urllib.request.urlopen(URL, timeout=5) as response:
            return json.load(response)
    except (OSError, http.client.HTTPException, ValueError):
        return None


# The first process of a container has no default for TERM.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
while True:
    found = leader()
    if found and found["name"] == os.environ["POD_NAME"]:
        print("planning as the leader, epoch", found["epoch"], flush=True)
    time.sleep(PERIOD)
