-- Rows and files that could not be taken or break a row rule: where they are and what was found.
SELECT source, path, position, record_id, revision, 'ingest_records' AS job, drop_reason, detail, drop_value, drop_threshold
FROM raw_records
WHERE drop_reason IS NOT NULL
UNION ALL
SELECT DISTINCT source, path, position, record_id, revision, 'clean_text', drop_reason, CAST(NULL AS STRING), drop_value, drop_threshold
FROM clean_records
WHERE drop_reason LIKE 'rule:%' OR drop_reason IN ('missing_field', 'bad_field', 'bad_payload', 'bad_messages', 'unknown_label')
