"""The YAML file: its schema, its loading, its description."""
