"""Commands on a deployed service, with recorded answers of AWS."""
