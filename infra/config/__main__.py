"""`python -m infra.config` prints the table of settings."""

from infra.config.table import settings_table

if __name__ == "__main__":
    print(settings_table())
