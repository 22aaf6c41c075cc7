-- Exactly one terminal outcome of every record, for each published version: published, merged or dropped.
-- published: the smallest record_id of a kept document; merged: another record of the same text, see merged_into.
-- What was set aside counts while the newest whole reading of its file has it: a mended line is its new record alone.
-- partner_id: the document for which this one was dropped. `missing` would be a record that no job accounts for.
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
readings AS (
  SELECT v.dataset, v.dataset_version, r.source, r.path, max(r.revision) AS revision
  FROM raw_records r
  JOIN version_sources v ON v.source = r.source AND r.revision <= v.last_revision
  WHERE r.file_rows IS NOT NULL
    AND coalesce(r.drop_reason, '') NOT IN ('truncated_file', 'unreadable_file', 'wrong_encoding', 'bad_header')
  GROUP BY v.dataset, v.dataset_version, r.source, r.path
),
records AS (
  SELECT r.* EXCEPT (place), r.fingerprints['clean_text/' || r.source] AS fingerprint
  FROM ranked r
  LEFT JOIN readings f
    ON f.dataset = r.dataset AND f.dataset_version = r.dataset_version AND f.source = r.source AND f.path = r.path
  WHERE r.place = 1 AND (r.drop_reason IS NULL OR r.revision >= coalesce(f.revision, 0))
),
chosen AS (
  SELECT r.dataset, r.dataset_version, r.record_id, r.revision, r.source, r.path, r.position, c.document_id,
         s.record_ids[0] AS first_record, s.partner_id, s.document_id IS NOT NULL AS is_selected,
         CASE WHEN r.drop_reason IS NOT NULL THEN struct(r.drop_reason, r.drop_value, r.drop_threshold)
              WHEN c.drop_reason IS NOT NULL THEN struct(c.drop_reason, c.drop_value, c.drop_threshold)
              ELSE struct(s.drop_reason, s.drop_value, s.drop_threshold) END AS fate
  FROM records r
  LEFT JOIN clean_records c
    ON c.record_id = r.record_id AND c.revision = r.revision AND c.fingerprint = r.fingerprint
  LEFT JOIN selections s
    ON s.dataset = r.dataset AND s.dataset_version = r.dataset_version AND s.document_id = c.document_id
)
SELECT dataset, dataset_version, record_id, revision, source, path, position, document_id,
  CASE WHEN fate.drop_reason IS NOT NULL THEN 'dropped'
       WHEN NOT is_selected THEN 'missing'
       WHEN record_id = first_record THEN 'published'
       ELSE 'merged' END AS outcome,
  fate.drop_reason, fate.drop_value, fate.drop_threshold,
  CASE WHEN fate.drop_reason IS NULL AND record_id <> first_record THEN first_record END AS merged_into,
  partner_id
FROM chosen
