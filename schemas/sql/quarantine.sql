-- Rows and files that could not be taken or break a row rule, as they stand now: where they are and what was found.
-- A file counts by its newest listing, its rows by its newest whole reading, a cleaned row by the cleaning in force.
WITH newest AS (
  SELECT *, row_number() OVER (PARTITION BY record_id ORDER BY revision DESC) AS place FROM raw_records
),
readings AS (
  SELECT source, path, max(revision) AS revision FROM raw_records
  WHERE file_rows IS NOT NULL
    AND coalesce(drop_reason, '') NOT IN ('truncated_file', 'unreadable_file', 'wrong_encoding', 'bad_header')
  GROUP BY source, path
)
SELECT n.source, n.path, n.position, n.record_id, n.revision, 'ingest_records' AS job, n.drop_reason, n.detail,
       n.drop_value, n.drop_threshold
FROM newest n LEFT JOIN readings r ON r.source = n.source AND r.path = n.path
WHERE n.place = 1 AND n.drop_reason IS NOT NULL AND n.revision >= coalesce(r.revision, 0)
UNION ALL
SELECT DISTINCT source, path, position, record_id, revision, 'clean_text', drop_reason, CAST(NULL AS STRING), drop_value, drop_threshold
FROM current_records
WHERE drop_reason LIKE 'rule:%' OR drop_reason IN ('missing_field', 'bad_field', 'bad_messages', 'unknown_label')
