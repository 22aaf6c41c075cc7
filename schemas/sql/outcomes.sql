-- Exactly one terminal outcome of every record, for each published version: published, merged or dropped.
-- published: the smallest record_id of a kept document; merged: another record of the same text (into partner_id).
-- Later runs cannot change it: the manifest names sources, revisions and fingerprints, and selections are frozen.
WITH version_sources AS (
  SELECT dataset, dataset_version, explode(sources) AS (source, last_revision), fingerprints FROM dataset_versions
),
ranked AS (
  SELECT v.dataset, v.dataset_version, v.fingerprints, r.record_id, r.revision, r.source, r.path, r.position,
         r.drop_reason, r.drop_value, r.drop_threshold,
         row_number() OVER (PARTITION BY v.dataset, v.dataset_version, r.record_id ORDER BY r.revision DESC) AS place
  FROM raw_records r
  JOIN version_sources v ON v.source = r.source AND r.revision <= v.last_revision
  WHERE r.file_rows IS NULL
),
records AS (
  SELECT * EXCEPT (place), fingerprints['clean_text/' || source] AS fingerprint FROM ranked WHERE place = 1
),
chosen AS (
  SELECT r.dataset, r.dataset_version, r.record_id, r.revision, r.source, r.path, r.position, c.document_id,
         s.record_ids[0] AS first_record, s.partner_id, s.document_id IS NOT NULL AS is_selected,
         coalesce(r.drop_reason, c.drop_reason, s.drop_reason) AS drop_reason,
         coalesce(r.drop_value, c.drop_value, s.drop_value) AS drop_value,
         coalesce(r.drop_threshold, c.drop_threshold, s.drop_threshold) AS drop_threshold
  FROM records r
  LEFT JOIN clean_records c
    ON c.record_id = r.record_id AND c.revision = r.revision AND c.fingerprint = r.fingerprint
  LEFT JOIN selections s
    ON s.dataset = r.dataset AND s.dataset_version = r.dataset_version AND s.document_id = c.document_id
)
SELECT dataset, dataset_version, record_id, revision, source, path, position, document_id,
  CASE WHEN drop_reason IS NOT NULL THEN 'dropped'
       WHEN NOT is_selected THEN 'missing'
       WHEN record_id = first_record THEN 'published'
       ELSE 'merged' END AS outcome,
  drop_reason, drop_value, drop_threshold,
  CASE WHEN drop_reason IS NULL AND record_id <> first_record THEN first_record ELSE partner_id END AS partner_id
FROM chosen
