"""Commands on a deployed service: check before a deployment, stop, start."""
