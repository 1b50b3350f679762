#!/usr/bin/env python3
# A worker that does not know about queues. It reads one work item, and takes a second.
import sys
import time

item = sys.stdin.read()
print("Processing " + item, flush=True)
time.sleep(1)
