"""Site bundle, pinned versions and bills of materials."""
