"""From finished records to where telemetry goes: queue, encoding, destinations."""
