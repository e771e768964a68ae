"""Emulation of the Lambda service: Runtime API, gateway, processes and containers."""
