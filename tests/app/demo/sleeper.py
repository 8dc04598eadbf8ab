"""A child process: prints lines, and lives for so many seconds."""

import sys
import time

print(*sys.argv[2:], sep="\n", flush=True)
time.sleep(float(sys.argv[1]))
