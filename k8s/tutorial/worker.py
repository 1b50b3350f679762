#!/usr/bin/env python3
# A worker that knows nothing of queues: reads one work item, and takes its time.
import sys
import time

item = sys.stdin.read()
print("Processing " + item, flush=True)
time.sleep(1)
