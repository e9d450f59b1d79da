"""What otel-run costs a program, beside OpenTelemetry and Datadog: `scripts/benchmark --help`."""
