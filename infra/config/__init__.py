"""Settings of a deployment: the `lesion:` keys of cdk.json's context, read with their types.

`cdk deploy -c lesion:waf=true` overrides the file for one deployment. `python -m infra.config` prints the table of settings.
"""

from infra.config.reading import PREFIX, SettingError, read_settings
from infra.config.settings import (
    FIREWALL_WINDOW_S,
    GATEWAY_SECONDS,
    Architecture,
    LogDays,
    PriceClass,
    RolloutStrategy,
    Settings,
)
from infra.config.table import settings_table

__all__ = [
    "FIREWALL_WINDOW_S",
    "GATEWAY_SECONDS",
    "PREFIX",
    "Architecture",
    "LogDays",
    "PriceClass",
    "RolloutStrategy",
    "SettingError",
    "Settings",
    "read_settings",
    "settings_table",
]
