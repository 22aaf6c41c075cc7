"""What a recipe needs before anything runs: sources, assets, models, rights.  No table is changed, none is made."""

from collections.abc import Iterator, Sequence
from functools import partial

from pyspark.sql import SparkSession

from jobs.runtime.catalogs import is_name
from jobs.runtime.check_assets import check_model, models_of
from jobs.runtime.check_places import check_lake, check_place, lake_folder
from jobs.runtime.check_sources import check_source
from jobs.runtime.check_tracking import check_tracking
from jobs.runtime.errors import AccessError
from jobs.runtime.findings import OK, Check, Said, count
from jobs.runtime.job import Job
from jobs.runtime.lake_params import require_consistent
from jobs.runtime.presence import is_absent
from jobs.runtime.recipe import Recipe
from jobs.runtime.session import LOCAL
from jobs.runtime.source_tables import is_named


def needs_spark(recipe: Recipe) -> bool:
    """Whether some of its tables are known to a catalog alone."""
    return is_name(recipe.tables) or any(is_named(source) for source in recipe.sources)


def recipe_checks(
    recipe: Recipe, jobs: Sequence[Job], spark: SparkSession | None, master: str | None
) -> Iterator[Check]:
    """All that one recipe needs.  master: None where a platform has a session or makes one."""
    yield "recipe", partial(check_params, recipe, jobs)
    for source in recipe.sources:
        yield f"source {source.name}", partial(check_source, source, lake_folder(recipe), spark)
    for name, reference in models_of(recipe, jobs):
        yield f"model {name}", partial(check_model, reference)
    yield "tables", partial(check_lake, recipe, spark, master or LOCAL)
    if recipe.assets and not (master or "").startswith("local"):
        yield "assets", partial(check_place, "assets", recipe.assets, master or LOCAL)
    yield "tracking", partial(check_tracking, recipe)


def check_params(recipe: Recipe, jobs: Sequence[Job]) -> Said:
    """Sections that contradict each other, where no lake has its say yet."""
    try:
        absent = is_absent(recipe.tables)
    except AccessError:  # what is said of `tables`
        absent = False
    if absent:
        require_consistent(recipe, jobs)
    return OK, f"valid, {count(len(recipe.sources), 'source')}"
