"""Files written from measured figures: metrics.json, model card, README results, plots."""
