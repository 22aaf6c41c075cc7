"""Find what the tables say of one record or document; jobs/runtime/story.py tells it."""

import re
from typing import Any

from jobs.runtime import lake_params
from jobs.runtime.errors import ConfigError
from jobs.runtime.recipe import Recipe
from jobs.runtime.results import as_plain
from jobs.runtime.tables import Lake
from jobs.runtime.views import register

SHORTEST_PREFIX = 8
MAX_ROWS = 2**31
ID_CHARS = 32
NAMED = 5
Facts = dict[str, Any]

# Rows are sorted and made distinct here, where they are few: in a query each of that is one more shuffle.
FIND = """
SELECT 'record' AS kind, record_id AS id FROM raw_records WHERE startswith(record_id, '{prefix}')
UNION ALL SELECT 'document', document_id FROM documents WHERE startswith(document_id, '{prefix}')"""

REVISIONS = """
SELECT revision, source, path, position, file_rows, payload IS NULL AS is_empty, detail,
       drop_reason, drop_value, drop_threshold
FROM raw_records WHERE record_id = '{id}'"""

CLEANINGS = """
SELECT c.revision, c.document_id, c.language, c.language_confidence, c.num_chars, c.changed_by, c.labels,
       c.drop_reason, c.drop_value, c.drop_threshold
FROM clean_records c
WHERE c.record_id = '{id}' AND {cleaning}"""

OUTCOMES = """
SELECT dataset_version, revision, document_id, outcome, drop_reason, drop_value, drop_threshold, merged_into, partner_id
FROM outcomes WHERE dataset = '{dataset}' AND record_id = '{id}'"""

IN_FORCE = "SELECT job, source, fingerprint FROM fingerprints WHERE dataset = '{dataset}'"

VERSIONS = """
SELECT dataset_version, published_at, map_keys(sources) AS sources
FROM dataset_versions WHERE dataset = '{dataset}'"""

SELECTED_LAST = "SELECT max(dataset_version) AS dataset_version FROM selections WHERE dataset = '{dataset}'"

SELECTED = """
SELECT dataset_version, drop_reason, drop_value, drop_threshold, partner_id, record_ids[0] AS first_record
FROM selections WHERE dataset = '{dataset}' AND document_id = '{id}'"""

DOCUMENT = """
SELECT document_id, kind, num_chars, substring(text, 1, 400) AS text FROM documents WHERE document_id = '{id}'"""

RECORDS = """
SELECT record_id, source, path, position, revision, count(*) OVER () AS total
FROM (
  SELECT c.*, row_number() OVER (PARTITION BY c.record_id ORDER BY c.revision DESC) AS place
  FROM clean_records c
  WHERE {cleaning} AND c.record_id IN (SELECT record_id FROM clean_records WHERE document_id = '{id}')
)
WHERE place = 1 AND document_id = '{id}' ORDER BY record_id LIMIT 100"""

SPLIT = """
SELECT split, reason, leak_group_id, drop_reason, drop_value, drop_threshold,
       (SELECT count(*) FROM splits g WHERE g.leak_group_id = s.leak_group_id) AS group_size
FROM (SELECT * FROM splits WHERE document_id = '{id}') s"""

MATCHES = """
WITH pairs AS (
  SELECT document_id, explode(matches) AS match FROM duplicate_matches
  WHERE {matching} AND (document_id = '{id}' OR exists(matches, m -> m.document_id = '{id}'))
)
SELECT CASE WHEN document_id = '{id}' THEN match.document_id ELSE document_id END AS other_id, match.similarity
FROM pairs WHERE document_id = '{id}' OR match.document_id = '{id}'"""

TIES = """
WITH me AS (SELECT fold_digest, prompt_digest FROM documents WHERE document_id = '{id}'),
mine AS (SELECT record_id, explode_outer(groups) AS link FROM clean_records WHERE document_id = '{id}'),
tied AS (
  SELECT 'equal letters and digits' AS tie, d.document_id FROM documents d JOIN me ON me.fold_digest = d.fold_digest
  UNION SELECT 'the same prompt', d.document_id FROM documents d JOIN me ON me.prompt_digest = d.prompt_digest
  UNION SELECT 'the declared key ' || mine.link, c.document_id
    FROM (SELECT document_id, explode(groups) AS link FROM clean_records) c JOIN mine ON mine.link = c.link
  UNION SELECT 'another text of one record', c.document_id
    FROM clean_records c JOIN (SELECT DISTINCT record_id FROM mine) r ON r.record_id = c.record_id
)
SELECT tie, count(*) AS documents, slice(array_sort(collect_list(document_id)), 1, 5) AS named,
       NOT (tie = 'the same prompt' AND count(*) >= {prompt_cap}) AS binds
FROM tied WHERE document_id <> '{id}' GROUP BY tie"""

GROUP = """
WITH mine AS (SELECT group_id, group_size FROM duplicate_groups WHERE dataset = '{dataset}' AND document_id = '{id}')
SELECT group_id, max(mine.group_size) AS group_size, slice(array_sort(collect_list(g.document_id)), 1, 6) AS named
FROM (SELECT * FROM duplicate_groups WHERE dataset = '{dataset}') g JOIN mine USING (group_id) GROUP BY group_id"""

LABEL = """
SELECT label, labels, label_source, num_records, label_probabilities, drop_reason, drop_value, drop_threshold
FROM labels WHERE dataset = '{dataset}' AND document_id = '{id}'"""

LEAKS = """
SELECT CASE WHEN document_id = '{id}' THEN other_id ELSE document_id END AS other_id,
       CASE WHEN document_id = '{id}' THEN other_split ELSE split END AS other_split, method, similarity
FROM leaks WHERE dataset = '{dataset}' AND (document_id = '{id}' OR other_id = '{id}')"""

OF_RECORD = (REVISIONS, CLEANINGS, OUTCOMES)
OF_DOCUMENT = (SELECTED, DOCUMENT, RECORDS, SPLIT, MATCHES, TIES, GROUP, LABEL, LEAKS)
# All that is asked: what these name is opened, and nothing else.
QUERIES = (FIND, IN_FORCE, VERSIONS, SELECTED_LAST, *OF_RECORD, *OF_DOCUMENT)


def explain(lake: Lake, recipe: Recipe, ident: str) -> Facts:
    """All facts of one record or document of a dataset; ConfigError where the id is unknown or ambiguous.

    A document's `records` are its first hundred, `num_records` is how many it has."""
    prefix = _checked(ident)
    register(lake, " ".join(QUERIES))
    return facts_of(lake, recipe, prefix)


def facts_of(lake: Lake, recipe: Recipe, prefix: str) -> Facts:
    """The same, where the views are registered and the id can be one."""
    kind, found = _resolve(lake, recipe, prefix)
    ask = _Ask(lake, recipe.dataset)
    facts: Facts = {"id": found, "kind": kind, "dataset": recipe.dataset}
    facts["versions"] = ask.rows(VERSIONS)
    selected = ask.rows(SELECTED_LAST)[0]["dataset_version"]
    facts["draft_version"] = None if selected in {v["dataset_version"] for v in facts["versions"]} else selected
    document: str | None = found
    if kind == "record":
        facts["revisions"], facts["cleanings"] = ask.rows(REVISIONS, found), ask.rows(CLEANINGS, found)
        facts["outcomes"] = ask.rows(OUTCOMES, found)
        document = facts["cleanings"][-1]["document_id"] if facts["cleanings"] else None
    facts["document"] = _document_facts(ask, document) if document else None
    return facts


def _document_facts(ask: "_Ask", document: str) -> Facts:
    one = {"split": SPLIT, "duplicate_group": GROUP, "label": LABEL}
    many = {"matches": MATCHES, "ties": TIES, "leaks": LEAKS, "records": RECORDS, "selected": SELECTED}
    facts = ask.one(DOCUMENT, document) or {"document_id": document}
    facts |= {name: ask.one(query, document) for name, query in one.items()}
    facts |= {name: ask.rows(query, document) for name, query in many.items()}
    from_both_sides = {match["other_id"]: match for match in facts["matches"]}
    facts["num_records"] = facts["records"][0]["total"] if facts["records"] else 0
    for record in facts["records"]:
        del record["total"]
    return facts | {"matches": sorted(from_both_sides.values(), key=lambda m: (-m["similarity"], m["other_id"]))}


def _checked(ident: str) -> str:
    prefix = ident.strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_PREFIX},{ID_CHARS}}}", prefix):
        raise ConfigError(
            f"ID {ident[:40]!r}: expected a record_id or document_id, {ID_CHARS} hex digits, "
            f"or its first {SHORTEST_PREFIX} or more"
        )
    return prefix


def _resolve(lake: Lake, recipe: Recipe, prefix: str) -> tuple[str, str]:
    found = sorted(set(lake.spark.sql(FIND.format(prefix=prefix)).collect()))
    if not found:
        raise ConfigError(
            f"nothing begins with {prefix}: searched every record_id of raw_records and every document_id of "
            f'documents in {lake.location}. `sluice sql {recipe.path} "SELECT record_id, path, position FROM '
            'current_records LIMIT 10"` shows ids.'
        )
    if len(found) > 1:
        named = ", ".join(f"{row['kind']} {row['id']}" for row in found[:NAMED])
        more = " and more" if len(found) > NAMED else ""
        raise ConfigError(f"{prefix} is not unique: {named}{more}. Give more digits.")
    return found[0]["kind"], found[0]["id"]


class _Ask:
    """Questions about one dataset, answered with plain dicts.

    What enters a query's text is harmless: hex digits, and names that a recipe has checked."""

    def __init__(self, lake: Lake, dataset: str) -> None:
        cap = lake_params.stored(lake).get("assign_splits.prompt_cap", MAX_ROWS)
        self._spark, self._known = lake.spark, {"dataset": dataset, "prompt_cap": str(cap)}
        found = self.rows(IN_FORCE)
        cleaning = [(row["source"], row["fingerprint"]) for row in found if row["job"] == "clean_text"]
        matching = [row["fingerprint"] for row in found if row["job"] == "match_duplicates"]
        self._known["cleaning"] = " OR ".join(f"(source = '{s}' AND fingerprint = '{f}')" for s, f in cleaning)
        self._known["matching"] = " OR ".join(f"fingerprint = '{f}'" for f in matching)
        self._known |= {name: f"({self._known[name] or 'false'})" for name in ("cleaning", "matching")}

    def rows(self, query: str, ident: str = "") -> list[Facts]:
        """All rows, in order of their first column."""
        found = self._spark.sql(query.format(id=ident, **self._known)).collect()
        return [as_plain(row) for row in sorted(found, key=lambda row: row[0])]

    def one(self, query: str, ident: str) -> Facts | None:
        """The row, None when there is none."""
        rows = self.rows(query, ident)
        return rows[0] if rows else None
