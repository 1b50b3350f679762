import sys

print("Processing " + sys.stdin.read(), flush=True)
