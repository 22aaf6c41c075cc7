-- Rows and files that could not be taken or break a row rule, as they stand now: where they are and what was found.
-- A file counts by its newest listing, a cleaned row by the cleaning in force.
WITH newest AS (
  SELECT *, row_number() OVER (PARTITION BY record_id ORDER BY revision DESC) AS place FROM raw_records
)
SELECT source, path, position, record_id, revision, 'ingest_records' AS job, drop_reason, detail, drop_value, drop_threshold
FROM newest
WHERE place = 1 AND drop_reason IS NOT NULL
UNION ALL
SELECT DISTINCT source, path, position, record_id, revision, 'clean_text', drop_reason, CAST(NULL AS STRING), drop_value, drop_threshold
FROM current_records
WHERE drop_reason LIKE 'rule:%' OR drop_reason IN ('missing_field', 'bad_field', 'bad_payload', 'bad_messages', 'unknown_label')
