from __future__ import annotations

import sys

from otel_run_bootstrap.cli import main

sys.exit(main())
