-- The examples of the newest published version of each dataset.
SELECT e.*
FROM dataset_examples e
JOIN (SELECT dataset, max(dataset_version) AS dataset_version FROM dataset_versions GROUP BY dataset) v
  USING (dataset, dataset_version)
