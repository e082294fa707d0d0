"""A first mapping file for any table, to be read and completed by its owner."""

from aipro_ml.jobs.fetch import fetch


def propose_mapping(place: str) -> str:
    """Return a mapping (YAML) for the CSV file or workbook at `place`, `?` where only its owner knows."""
    import yaml

    from aipro_ml.sources.mapped_proposal import cells_of, propose

    name, content = fetch(place)
    told = propose(cells_of(content, name=name))
    return f"# proposed for {name}: fill in each ?, check the rest\n" + yaml.safe_dump(
        told, sort_keys=False, allow_unicode=True
    )
