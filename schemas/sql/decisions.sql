-- The log of all decisions, one row for each dataset that one concerns: what each job changed, set aside, merged,
-- dropped or refused, with reason, value and threshold. Rows of jobs before selection show how things stand now;
-- those with a dataset_version are frozen with it (is_draft: it has no manifest yet).
-- dataset is null where no dataset has the row (yet, or any more).
WITH dataset_sources AS (
  SELECT DISTINCT dataset, source FROM fingerprints WHERE job = 'clean_text'
),
dataset_documents AS (
  SELECT dataset, document_id FROM current_records WHERE document_id IS NOT NULL
  UNION
  SELECT dataset, document_id FROM selections
),
selected AS (
  SELECT s.*, explode(s.record_ids) AS record_id, v.dataset IS NULL AS is_draft
  FROM selections s
  LEFT JOIN dataset_versions v ON v.dataset = s.dataset AND v.dataset_version = s.dataset_version
)
SELECT d.dataset, CAST(NULL AS BIGINT) AS dataset_version, CAST(NULL AS BOOLEAN) AS is_draft, 'ingest_records' AS job,
       r.record_id, r.revision, CAST(NULL AS STRING) AS document_id, 'dropped' AS decision, r.drop_reason AS reason,
       coalesce(r.drop_value, r.detail) AS value, r.drop_threshold AS threshold,
       CAST(NULL AS STRING) AS merged_into, CAST(NULL AS STRING) AS partner_id
FROM quarantine r
LEFT JOIN dataset_sources d ON d.source = r.source
WHERE r.job = 'ingest_records'
UNION ALL
SELECT dataset, NULL, NULL, 'clean_text', record_id, revision, document_id,
       CASE WHEN drop_reason IS NULL THEN 'changed' ELSE 'dropped' END,
       coalesce(drop_reason, array_join(changed_by, ', ')), drop_value, drop_threshold, NULL, NULL
FROM current_records
WHERE drop_reason IS NOT NULL OR size(changed_by) > 0
UNION ALL
SELECT d.dataset, NULL, NULL, 'assign_splits', NULL, NULL, s.document_id, 'set aside', s.drop_reason, s.drop_value,
       s.drop_threshold, NULL, NULL
FROM splits s
LEFT JOIN dataset_documents d ON d.document_id = s.document_id
WHERE s.drop_reason IS NOT NULL
UNION ALL
SELECT dataset, NULL, NULL, 'infer_labels', NULL, NULL, document_id, 'dropped', drop_reason, drop_value,
       drop_threshold, NULL, NULL
FROM labels
WHERE drop_reason IS NOT NULL
UNION ALL
SELECT dataset, dataset_version, is_draft, 'select_examples', record_id, NULL, document_id,
       CASE WHEN drop_reason IS NULL THEN 'merged' ELSE 'dropped' END, coalesce(drop_reason, 'same_text'), drop_value,
       drop_threshold, CASE WHEN drop_reason IS NULL THEN record_ids[0] END, partner_id
FROM selected
WHERE drop_reason IS NOT NULL OR record_id <> record_ids[0]
UNION ALL
SELECT dataset, dataset_version, true, 'check_gates', NULL, NULL, explode_outer(row_ids), 'refused', gate,
       CAST(value AS STRING), CAST(threshold AS STRING), NULL, NULL
FROM gate_results
WHERE NOT passed
