"""The header: PS3.15 Annex E applied, attested and checked a second time."""
