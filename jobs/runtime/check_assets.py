"""Whether assets and models are there, or where a run would fetch them; nothing is fetched."""

import os
from collections.abc import Iterator, Sequence

from jobs.runtime.assets import asset_models, cache_folder, cached_file, fetched_from, unusable_cache
from jobs.runtime.check_places import try_folder
from jobs.runtime.findings import OK, TO_FETCH, Said
from jobs.runtime.job import Job
from jobs.runtime.model_places import is_model
from jobs.runtime.models import PREFIX, model_digest
from jobs.runtime.recipe import Recipe

DIGITS = 12


def models_of(recipe: Recipe, jobs: Sequence[Job]) -> Iterator[tuple[str, str]]:
    """job.parameter and what it names, of all models that the recipe's jobs read."""
    for job in jobs:
        params = recipe.params[job.name]
        for part, asked in (job.parts_of(params) if job.parts else {"": params}).items():
            for name in job.models:
                if reference := getattr(asked, name, None):
                    yield ".".join(filter(None, (job.name, part, name))), reference


def check_model(reference: str) -> Said:
    """An asset, or a file or folder of the user's, with its digest; AssetError where neither is."""
    digest = model_digest(reference)[:DIGITS]
    if reference in (embedded := asset_models()):
        found = [check_asset(f"{reference}/{member}") for member in embedded[reference][0].members]
        state, said = next((one for one in found if one[0] != OK), found[0])
        return state, f"{said}; sha256 {digest}…"
    if is_model(reference):
        return OK, f"{reference}: all files are there; sha256 {digest}…"
    if reference.startswith(PREFIX):
        state, said = check_asset(reference.removeprefix(PREFIX))
        return state, f"{said}; sha256 {digest}…"
    return OK, f"{reference}: {os.path.getsize(reference):,} bytes; sha256 {digest}…"


def check_asset(reference: str) -> Said:
    """In the cache, or listed by an index while the cache can take it; AssetError says what is in the way."""
    name = f"{PREFIX}{reference}"
    if (file := cached_file(reference)) is not None:
        return OK, f"{name}: in the cache, {file}"
    index = fetched_from(reference)
    try:
        try_folder(str(cache_folder()))
    except OSError as error:
        raise unusable_cache(error) from None
    return TO_FETCH, f"{name}: not in the cache {cache_folder()}; the run fetches it from {index}"
