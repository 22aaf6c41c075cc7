-- The log of all decisions: what each job changed, set aside or dropped, with reason, value and threshold.
SELECT CAST(NULL AS STRING) AS dataset, CAST(NULL AS BIGINT) AS dataset_version, 'ingest_records' AS job, record_id, revision,
       CAST(NULL AS STRING) AS document_id, 'dropped' AS decision, drop_reason AS reason,
       coalesce(drop_value, detail) AS value, drop_threshold AS threshold, CAST(NULL AS STRING) AS partner_id
FROM raw_records
WHERE drop_reason IS NOT NULL
UNION ALL
SELECT dataset, NULL, 'clean_text', record_id, revision, document_id, 'dropped', drop_reason, drop_value, drop_threshold, NULL
FROM current_records
WHERE drop_reason IS NOT NULL
UNION ALL
SELECT dataset, NULL, 'clean_text', record_id, revision, document_id, 'changed', array_join(changed_by, ', '), NULL, NULL, NULL
FROM current_records
WHERE size(changed_by) > 0 AND drop_reason IS NULL
UNION ALL
SELECT NULL, NULL, 'assign_splits', NULL, NULL, document_id, 'set aside', drop_reason, drop_value, drop_threshold, leak_group_id
FROM splits
WHERE drop_reason IS NOT NULL
UNION ALL
SELECT dataset, NULL, 'infer_labels', NULL, NULL, document_id, 'dropped', drop_reason, drop_value, drop_threshold, NULL
FROM labels
WHERE drop_reason IS NOT NULL
UNION ALL
SELECT dataset, dataset_version, 'select_examples', record_id, NULL, document_id,
       CASE WHEN drop_reason IS NULL THEN 'merged' ELSE 'dropped' END, coalesce(drop_reason, 'same_text'), drop_value,
       drop_threshold, coalesce(partner_id, record_ids[0])
FROM (SELECT *, explode(record_ids) AS record_id FROM selections)
WHERE drop_reason IS NOT NULL OR record_id <> record_ids[0]
